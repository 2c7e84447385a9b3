package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
)

const submissionsHelp = `How many submissions a second become durable, and what they cost in addition to the disk
and the queue. Clients submit photographs of 400 x 300 over HTTP to an api-server, each the
next one when it has its 202; no worker runs. In turn with it, a loop makes the same files,
links, renames and fsyncs in the same order, with the same parallelism, and sends the same
messages to the same MiniStack, without any of the project's code in between: no HTTP, no
checks, no JSON.

With "memory" instead of MiniStack the queue is in the server's memory, and the loop sends
nothing: MiniStack is a Python program that accepts at most 1,800 to 2,000 messages a
second.

The clients, the server and MiniStack share this machine.`

// submissions compares the API with a loop of the same disk and queue operations.
func submissions(ctx context.Context, s *session) (string, error) {
	levels := pick(s, []int{1, 8, 32}, []int{2})
	photos, err := photograph.All(s.Samples, 400, 300)
	if err != nil {
		return "", err
	}
	s.expect(len(levels) * s.Rounds * 4)
	rows := [][]string{{"queue", "clients", "loop, /s", "API, /s", "ratio", "goal", "", "API p50", "p99", "loop p50", "p99"}}
	dir, err := s.folder()
	if err != nil {
		return "", err
	}
	mini, aws, q, err := s.startMiniStack(ctx, dir)
	if err != nil {
		return "", err
	}
	defer mini.Stop()
	real, realBase, err := s.startAPI(ctx, dir, aws)
	if err != nil {
		return "", err
	}
	defer real.Stop()
	memory, memoryBase, err := s.startInMemory(ctx, task{})
	if err != nil {
		return "", err
	}
	defer memory.Stop()
	for _, to := range []target{
		{"MiniStack", realBase, q.Send},
		{"memory", memoryBase, func(context.Context, job.Message) error { return nil }},
	} {
		for _, clients := range levels {
			row, err := s.submitAt(ctx, to, clients, photos, filepath.Join(dir, "loop"))
			if err != nil {
				return "", err
			}
			rows = append(rows, row)
		}
	}
	return fmt.Sprintf("Photographs of 400 x 300, %d KB on average. Median of the rounds (least..most); p50 and p99 are the medians of the rounds'.\n\n%s", len(slices.Concat(photos...))/len(photos)/1000, table(rows...)), nil
}

// A target is an API with its queue, and the function with which the loop sends to that queue.
type target struct {
	queue string
	base  string
	send  func(context.Context, job.Message) error
}

// submitAt compares the two with a number of clients.
func (s *session) submitAt(ctx context.Context, to target, clients int, photos [][]byte, dir string) ([]string, error) {
	c, err := newClient(to.base, photos, clients)
	if err != nil {
		return nil, err
	}
	long := pick(s, 2*time.Second, 100*time.Millisecond)
	loop := func(ctx context.Context) (pace, error) {
		return inParallel(ctx, clients, lasting(long), func(ctx context.Context, i int) error {
			return submitBare(ctx, dir, photos[i%len(photos)], to.send)
		})
	}
	overHTTP := func(ctx context.Context) (pace, error) {
		return inParallel(ctx, clients, lasting(long), func(ctx context.Context, i int) error {
			_, err := c.submit(ctx, "/v1/jobs", i)
			return err
		})
	}
	all, err := inTurn(ctx, s, fmt.Sprintf("%s, %d clients", to.queue, clients), side[pace]{"loop", loop}, side[pace]{"API", overHTTP})
	if err != nil {
		return nil, err
	}
	ratio := compare(all[1], all[0], perSecondOver)
	row := []string{to.queue, fmt.Sprint(clients), each(all[0], perSecond).show("%.0f"), each(all[1], perSecond).show("%.0f"), ratio.show("%.2f")}
	row = append(row, atLeast(0.5, ratio.median)...)
	for _, side := range []int{1, 0} {
		for _, p := range []int{50, 99} {
			row = append(row, ms(each(all[side], func(x pace) float64 { return percentile(x.Took, p) }).median))
		}
	}
	return row, nil
}

// submitBare makes the system calls of a submission (see pkg/store/DESIGN.md, "What each operation
// costs") without any checks.
func submitBare(ctx context.Context, dir string, photo []byte, send func(context.Context, job.Message) error) error {
	id, err := job.NewID()
	if err != nil {
		return err
	}
	shard, active, owner := filepath.Join(dir, "jobs"), filepath.Join(dir, "active"), filepath.Join(dir, "owner")
	draft, place := filepath.Join(shard, ".new-"+string(id)), filepath.Join(shard, string(id))
	err = os.Mkdir(draft, 0o750)
	if errors.Is(err, os.ErrNotExist) { // the first submission
		err = errors.Join(os.MkdirAll(shard, 0o750), os.MkdirAll(active, 0o750), os.MkdirAll(owner, 0o750), os.MkdirAll(draft, 0o750))
	}
	if err != nil {
		return err
	}
	spec := filepath.Join(draft, "spec.json")
	if err := together(
		func() error { return writeThrough(filepath.Join(draft, "input"), photo) },
		func() error { return writeThrough(spec, specLike) },
	); err != nil {
		return err
	}
	if err := together(
		func() error { return os.Link(spec, filepath.Join(draft, "status.json")) },
		func() error { return os.Link(spec, filepath.Join(active, string(id))) },
	); err != nil {
		return err
	}
	entry, err := os.Create(filepath.Join(owner, string(id)))
	if err == nil {
		err = entry.Close()
	}
	if err == nil {
		err = os.Rename(draft, place)
	}
	if err != nil {
		return err
	}
	if err := together(func() error { return syncFolder(place) }, func() error { return syncFolder(shard) }); err != nil {
		return err
	}
	return send(ctx, job.Message{Job: id, Run: 1})
}

// specLike has the length of a job's spec.json.
var specLike = make([]byte, 700)

// together makes two calls at the same time, like the store.
func together(a, b func() error) error {
	other := make(chan error, 1)
	go func() { other <- b() }()
	return errors.Join(a(), <-other)
}

func writeThrough(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_DSYNC, 0o640)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Close())
}

func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

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

const submissionsHelp = `How many submissions a second become durable, and what they cost in addition to the disk.
Clients submit photographs of 400 x 300 over HTTP to the API on a real directory, each the
next one when it has its 202; the queue is in the server's memory, and no worker runs. In
turn with it, a loop makes the same files, links, renames and fsyncs in the same order, with
the same parallelism, without any of the project's code in between: no HTTP, no checks, no
JSON.

The clients and the server share this machine.`

// submissions compares the API with a loop of the same disk operations.
func submissions(ctx context.Context, s *session) (string, error) {
	levels := pick(s, []int{1, 8, 32}, []int{2})
	photos, err := photograph.All(s.Samples, 400, 300)
	if err != nil {
		return "", err
	}
	dir, err := s.folder()
	if err != nil {
		return "", err
	}
	server, base, err := s.startAPI(ctx, dir)
	if err != nil {
		return "", err
	}
	defer server.Stop()
	s.expect(len(levels) * s.Rounds * 2)
	rows := [][]string{{"clients", "loop, /s", "API, /s", "ratio", "goal", "", "API p50", "p99", "loop p50", "p99"}}
	for _, clients := range levels {
		row, err := s.submitAt(ctx, base, clients, photos, filepath.Join(dir, "loop"))
		if err != nil {
			return "", err
		}
		rows = append(rows, row)
	}
	return fmt.Sprintf("Photographs of 400 x 300, %d KB on average. Median of the rounds (least..most); p50 and p99 are the medians of the rounds'.\n\n%s", len(slices.Concat(photos...))/len(photos)/1000, table(rows...)), nil
}

// submitAt compares the two with a number of clients.
func (s *session) submitAt(ctx context.Context, base string, clients int, photos [][]byte, dir string) ([]string, error) {
	c, err := newClient(base, photos, clients)
	if err != nil {
		return nil, err
	}
	long := pick(s, 2*time.Second, 100*time.Millisecond)
	in := func(do func(context.Context, int) error) func(context.Context) (pace, error) {
		return func(ctx context.Context) (pace, error) { return inParallel(ctx, clients, lasting(long), do) }
	}
	all, err := inTurn(ctx, s, fmt.Sprintf("%d clients", clients),
		side[pace]{"loop", in(func(_ context.Context, i int) error { return submitBare(dir, photos[i%len(photos)]) })},
		side[pace]{"API", in(c.submit)})
	if err != nil {
		return nil, err
	}
	rate := func(p pace) float64 { return p.PerSecond }
	ratio := compare(all[1], all[0], func(a, b pace) float64 { return a.PerSecond / b.PerSecond })
	row := []string{fmt.Sprint(clients), each(all[0], rate).show("%.0f"), each(all[1], rate).show("%.0f"), ratio.show("%.2f")}
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
func submitBare(dir string, photo []byte) error {
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
	return together(func() error { return syncFolder(place) }, func() error { return syncFolder(shard) })
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

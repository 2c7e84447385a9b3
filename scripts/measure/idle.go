package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
)

const idleHelp = `How much time the pipeline adds to one picture while it is otherwise idle. One client
submits a photograph over HTTP and waits with ?wait until the job has succeeded; then it
submits the next after a random pause. This time includes the API's server, the queue, the
worker, the disk and the API's polling of the job. A bare loop of decode, stylise and
encode processes the same photographs, one at a time, with the daemon's threads. The
result is the median of the first less the median of the second, in each round.

The queue is MiniStack, whose long polls check for messages ten times a second, where SQS
responds within milliseconds: "a message alone" is the time of a message there, from send
to receive. With "memory" the queue is in the same process as API and worker.`

// idle compares the time of one picture in an idle pipeline with the work on it.
func idle(ctx context.Context, s *session) (string, error) {
	sizes := pick(s, [][2]int{{400, 300}, {512, 512}}, [][2]int{{64, 48}})
	s.expect(len(sizes) * s.Rounds * 4)
	stack, err := s.startStack(ctx)
	if err != nil {
		return "", err
	}
	defer stack.Stop()
	memory, memoryBase, err := s.startInMemory(ctx, task{Model: s.Model, Decoder: s.decoder()})
	if err != nil {
		return "", err
	}
	defer memory.Stop()
	messages, err := stack.messages(ctx)
	if err != nil {
		return "", err
	}
	images := pick(s, 40, 3)
	rows := [][]string{{"size", "queue", "bare loop", "submit to succeeded", "more", "goal", "", "a message alone"}}
	for _, wh := range sizes {
		w, h := wh[0], wh[1]
		bare := func(ctx context.Context) (float64, error) {
			p, err := ask[work](ctx, "bare", task{
				Model: s.Model, Samples: s.Samples, Width: w, Height: h, Images: images,
				Concurrent: 1, Threads: model.DefaultThreads(model.DefaultConcurrent()),
			})
			return p.Median, err
		}
		photos, err := photograph.All(s.Samples, w, h)
		if err != nil {
			return "", err
		}
		through := func(base string) (func(context.Context) (float64, error), error) {
			c, err := newClient(base, photos, 1)
			if err != nil {
				return nil, err
			}
			run := func(ctx context.Context) (float64, error) {
				return withPauses(ctx, images, func(ctx context.Context, i int) (time.Duration, error) {
					pause(ctx)
					began := time.Now()
					_, err := c.paint(ctx, i)
					return time.Since(began), err
				})
			}
			_, err = run(ctx) // warm-up
			return run, err
		}
		onMiniStack, err := through(stack.base)
		if err != nil {
			return "", err
		}
		inMemory, err := through(memoryBase)
		if err != nil {
			return "", err
		}
		all, err := inTurn(ctx, s, size(w, h),
			side[float64]{"bare loop", bare}, side[float64]{"on MiniStack", onMiniStack},
			side[float64]{"messages alone", func(ctx context.Context) (float64, error) { return withPauses(ctx, images, messages) }},
			side[float64]{"queue in memory", inMemory})
		if err != nil {
			return "", err
		}
		inMS := func(seconds float64) float64 { return 1000 * seconds }
		row := func(queue string, took []float64, message string) {
			more := compare(took, all[0], func(a, b float64) float64 { return 1000 * (a - b) })
			rows = append(rows, slices.Concat([]string{
				size(w, h), queue, each(all[0], inMS).show("%.1f"), each(took, inMS).show("%.1f"), more.show("%.1f"),
			}, atMost(60, more.median), []string{message}))
		}
		row("MiniStack", all[1], each(all[2], inMS).show("%.1f"))
		row("memory", all[3], "")
	}
	return fmt.Sprintf("Milliseconds for one picture: in each round the median of %d; of the rounds the median (least..most).\n\n%s", images, table(rows...)), nil
}

// withPauses calls do n times, with random pauses, and returns the median of the times that it
// returns, in seconds.
func withPauses(ctx context.Context, n int, do func(context.Context, int) (time.Duration, error)) (float64, error) {
	took := make([]float64, n)
	for i := range took {
		d, err := do(ctx, i)
		if err != nil {
			return 0, err
		}
		took[i] = d.Seconds()
	}
	slices.Sort(took)
	return median(took), nil
}

// pause waits for a random time, so that periodic events are met at any phase.
func pause(ctx context.Context) {
	select {
	case <-time.After(rand.N(200 * time.Millisecond)):
	case <-ctx.Done():
	}
}

// messages makes a separate queue in the stack's MiniStack. The returned function sends a message
// to it while a long poll is waiting.
func (st *stack) messages(ctx context.Context) (func(context.Context, int) (time.Duration, error), error) {
	cfg, err := st.aws.Config(ctx)
	if err != nil {
		return nil, err
	}
	q, err := queue.Create(ctx, cfg, "bench")
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ int) (time.Duration, error) {
		received := make(chan error, 1)
		var at time.Time
		go func() {
			ds, err := q.Receive(ctx, 1, 20*time.Second, 30*time.Second)
			at = time.Now()
			for _, d := range ds {
				err = errors.Join(err, q.Delete(ctx, d))
			}
			received <- err
		}()
		pause(ctx)
		began := time.Now()
		id, err := job.NewID()
		if err == nil {
			err = q.Send(ctx, job.Message{Job: id, Run: 1})
		}
		err = errors.Join(err, <-received)
		return at.Sub(began), err
	}, nil
}

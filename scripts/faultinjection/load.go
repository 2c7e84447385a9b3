//go:build linux

package main

import (
	"context"
	"fmt"
	"image/color"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An accepted job is one that a server has promised.
type accepted struct {
	id      job.ID
	picture *picture
	at      time.Time
}

// A load submits jobs, some at a time.
type load struct {
	client   *client
	pictures []*picture
	special  special
	odd      *picture // that of special
	seed     uint64
	ended    atomic.Int64 // jobs that are known to have ended

	mu       sync.Mutex
	accepted []accepted
	keys     map[string]job.ID
	errs     []error
}

func newLoad(c *client, seed uint64, s special) (*load, error) {
	l := &load{client: c, seed: seed, special: s, keys: map[string]job.ID{}}
	var err error
	if l.pictures, err = pictures(); err != nil {
		return nil, err
	}
	if s.every > 0 {
		if l.odd, err = painted(func(int, int) color.Color { return colors[s.color] }); err != nil {
			return nil, err
		}
		l.odd.fails = s.fails
	}
	return l, nil
}

// count is how many jobs were accepted.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// run submits n jobs within about a time; 0 is as fast as they are accepted.
func (l *load) run(ctx context.Context, n int, within time.Duration) {
	const submitters = 16
	numbers := make(chan int)
	var all sync.WaitGroup
	for range submitters {
		all.Go(func() {
			for i := range numbers {
				l.submit(ctx, i)
			}
		})
	}
	chance := rand.New(rand.NewPCG(l.seed, 1)) //nolint:gosec // not for secrets
	began, due := time.Now(), time.Duration(0)
	for i := range n {
		// By what is due, so that a server that is away for a while does not make the load longer.
		due += time.Duration(chance.ExpFloat64() * float64(within) / float64(n))
		if pause(ctx, time.Until(began.Add(due))) != nil {
			break
		}
		numbers <- i
	}
	close(numbers)
	all.Wait()
}

// submit submits job number i. Every second one has an idempotency key, and of these every fourth is submitted twice.
func (l *load) submit(ctx context.Context, i int) {
	p := l.pictures[i%len(l.pictures)]
	if l.special.every > 0 && i%l.special.every == l.special.every/2 {
		p = l.odd
	}
	key, again := "", 0
	if i%2 == 0 {
		key = fmt.Sprintf("%d-%d", l.seed, i)
		if i%8 == 6 {
			again = 1
		}
	}
	for range 1 + again {
		id, err := l.client.submit(ctx, p, key)
		if err != nil && ctx.Err() != nil {
			return
		}
		l.note(accepted{id, p, time.Now()}, key, err)
	}
}

func (l *load) note(a accepted, key string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.keys[key]
	switch {
	case err != nil:
		l.errs = append(l.errs, fmt.Errorf("a submission was refused: %w", err))
	case key == "":
		l.accepted = append(l.accepted, a)
	case first == "":
		l.keys[key] = a.id
		l.accepted = append(l.accepted, a)
	case first != a.id:
		l.errs = append(l.errs, fmt.Errorf("one key has two jobs: %s and %s", first, a.id))
	}
}

// painted are the pictures that can be painted.
func (l *load) painted() []*picture {
	if l.odd == nil || l.odd.fails != "" {
		return l.pictures
	}
	return append(slices.Clone(l.pictures), l.odd)
}

// reference has each picture painted once, undisturbed: every result is held to these.
func (l *load) reference(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, p := range l.painted() {
		id, err := l.client.submit(ctx, p, "")
		if err != nil {
			return err
		}
		j, err := l.wait(ctx, id)
		if err != nil {
			return err
		}
		if j.Result == nil {
			return fmt.Errorf("job %s is %s, and was to succeed", id, j.State)
		}
		p.sha256 = j.Result.SHA256
	}
	return nil
}

// wait waits until a job has ended. With an error the job is as it was known last.
func (l *load) wait(ctx context.Context, id job.ID) (last job.Job, err error) {
	for {
		j, err := l.client.job(ctx, id)
		if err != nil {
			return last, err
		}
		if last = j; j.State.Finished() {
			return last, nil
		}
		if err := pause(ctx, 100*time.Millisecond+time.Duration(rand.Int64N(int64(100*time.Millisecond)))); err != nil {
			return last, err
		}
	}
}

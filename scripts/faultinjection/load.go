//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"image/color"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An accepted job is one whose submission a server has accepted.
type accepted struct {
	submission
	id   job.ID
	ends job.State // the state in which it must end, unless its picture fails
	run  int       // the run in which it must end
}

// erased is the state in which a job must end if it is erased, or removed by the retention.
const erased = job.Expired

// A load submits jobs, several at the same time, and cancels, retries and erases a part of them.
type load struct {
	client   *client
	pictures []*picture
	special  special
	odd      *picture // the picture of special; nil: there is none
	seed     uint64
	ended    atomic.Int64 // jobs that are known to have ended

	mu       sync.Mutex
	accepted []*accepted
	errs     []error

	courses sync.WaitGroup
	waiting chan struct{} // limits the courses that wait for a state
}

func newLoad(c *client, seed uint64, s special) (*load, error) {
	l := &load{client: c, seed: seed, special: s, waiting: make(chan struct{}, 32)}
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

// count returns how many jobs were accepted.
func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

// run submits the jobs number first to last-1, spread over about the time within; 0 means as fast as they are accepted.
// Their courses may go on after it has returned.
func (l *load) run(ctx context.Context, first, last int, within time.Duration) {
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
	for i := first; i < last; i++ {
		// Each job has a fixed time, counted from the beginning, so that a server that is away for a while does not
		// make the load longer.
		due += time.Duration(chance.ExpFloat64() * float64(within) / float64(last-first))
		if pause(ctx, time.Until(began.Add(due))) != nil {
			break
		}
		numbers <- i
	}
	close(numbers)
	all.Wait()
}

// submit submits job number i, and begins its course.
func (l *load) submit(ctx context.Context, i int) {
	s := submission{picture: l.pictures[i%len(l.pictures)], private: i%3 == 2}
	if l.special.every > 0 && i%l.special.every == l.special.every/2 {
		s.picture = l.odd
	}
	if i%2 == 0 {
		s.key = fmt.Sprintf("%d-%d", l.seed, i)
	}
	var a *accepted
	if i%6 == 2 {
		a = l.submitUpload(ctx, s)
	} else {
		a = l.submitOnce(ctx, s)
	}
	if a == nil {
		return
	}
	if i%8 == 6 {
		l.submitAgain(ctx, a)
	}
	l.mu.Lock()
	l.accepted = append(l.accepted, a)
	l.mu.Unlock()
	l.begin(ctx, a, courseOf(i))
}

// submitOnce submits a job, and returns nil if it was not accepted.
func (l *load) submitOnce(ctx context.Context, s submission) *accepted {
	id, err := l.client.submit(ctx, s)
	if err != nil {
		if ctx.Err() == nil {
			l.fail(fmt.Errorf("a submission was refused: %w", err))
		}
		return nil
	}
	return &accepted{submission: s, id: id, ends: job.Succeeded, run: 1}
}

// submitAgain repeats a job's submission with its idempotency key, and checks that the response is the same job.
func (l *load) submitAgain(ctx context.Context, a *accepted) {
	if b := l.submitOnce(ctx, a.submission); b != nil && b.id != a.id {
		l.fail(fmt.Errorf("one key has two jobs: %s and %s", a.id, b.id))
	}
}

// submitUpload uploads a picture, submits it with two idempotency keys at the same time, and checks that exactly one is
// accepted. If the picture can't be uploaded, it is sent with the submission.
func (l *load) submitUpload(ctx context.Context, s submission) *accepted {
	var err error
	if s.upload, err = l.client.upload(ctx, s.picture); err != nil {
		if ctx.Err() == nil {
			l.fail(fmt.Errorf("an upload was refused: %w", err))
		}
		return nil
	}
	if s.upload == "" {
		return l.submitOnce(ctx, s)
	}
	var ids [2]job.ID
	var errs [2]error
	subs := [2]submission{s, s}
	subs[1].key += "-other"
	atOnce(len(subs), func(n int) { ids[n], errs[n] = l.client.submit(ctx, subs[n]) })
	if ctx.Err() != nil {
		return nil
	}
	for n := range subs {
		var refused *refusal
		if errs[n] == nil && errors.As(errs[1-n], &refused) && refused.code == "upload_taken" {
			return &accepted{submission: subs[n], id: ids[n], ends: job.Succeeded, run: 1}
		}
	}
	l.fail(fmt.Errorf("upload %s was submitted with two keys, of which exactly one must be accepted: %q, %w", s.upload, ids, errors.Join(errs[:]...)))
	return nil
}

// fail records that something was wrong.
func (l *load) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.errs = append(l.errs, err)
}

// painted returns the pictures that can be painted.
func (l *load) painted() []*picture {
	if l.odd == nil || l.odd.fails != "" {
		return l.pictures
	}
	return append(slices.Clone(l.pictures), l.odd)
}

// reference has each picture painted once before anything is broken. All later results of the picture must be equal to
// this one.
func (l *load) reference(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, p := range l.painted() {
		id, err := l.client.submit(ctx, submission{picture: p})
		if err != nil {
			return err
		}
		j, err := l.wait(ctx, id)
		if err != nil {
			return err
		}
		if j.Result == nil {
			return fmt.Errorf("job %s is %s, want succeeded", id, j.State)
		}
		p.sha256 = j.Result.SHA256
	}
	return nil
}

// wait waits until a job has ended. With an error it returns the job as it was read last.
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

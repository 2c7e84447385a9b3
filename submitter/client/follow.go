package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// longestWait is how long the API is asked to hold back its answer until a job
// changes. It may answer sooner, or not know how to wait.
const longestWait = 20 * time.Second

// How soon to look again where the API doesn't say, from one look to the next,
// so that an API that waits is asked again at once. With every look that finds
// nothing new the pause grows by a quarter, up to longestDelay or what the API
// asks for, if that is longer.
const firstLook = time.Second

// longestLook is the longest pause that an API can ask for while a job is waited for.
const longestLook = time.Minute

// newsAtOnce is how many changes of a job are followed without a pause: none has so many,
// and an API that makes them up is not to be asked in a frenzy.
const newsAtOnce = 20

// read reads a job, trying again where that helps.
func (a *app) read(ctx context.Context, id job.ID) (*jobAnswer, error) {
	return retrying(ctx, func() (*jobAnswer, error) {
		j, _, err := a.api.job(ctx, id, "", 0)
		return j, err
	}, transient, nil)
}

// wait follows a job until its run has ended, and shows how it stands meanwhile.
func (a *app) wait(ctx context.Context, j *jobAnswer) (*jobAnswer, error) {
	var shown atomic.Pointer[jobAnswer]
	shown.Store(j)
	show, stop := a.screen.follow(func() string { return progressText(&shown.Load().Job) })
	defer stop()
	return a.follow(ctx, j, func(j *jobAnswer) {
		shown.Store(j)
		show()
	})
}

// follow tells news of every answer about a job until the job's run has ended. An
// API that goes away meanwhile is waited for too, until ctx ends.
func (a *app) follow(ctx context.Context, j *jobAnswer, news func(*jobAnswer)) (*jobAnswer, error) {
	patience, quiet, changes, failures, delay := longestWait, 0, 0, 0, time.Duration(0)
	defer func() {
		if failures > 0 {
			a.outage.leave()
		}
	}()
	for first := true; !j.State.Finished(); first = false {
		if err := sleep(ctx, delay); err != nil {
			return nil, fmt.Errorf("%w; the job goes on", err)
		}
		began, wait := time.Now(), patience
		if j.etag == "" {
			wait = 0 // to learn how it stands comes first
		}
		next, ask, err := a.api.job(ctx, j.ID, j.etag, wait)
		if err := stopped(ctx); err != nil {
			return nil, fmt.Errorf("%w; the job goes on", err)
		}
		if err != nil {
			if !transient(err) {
				return nil, err
			}
			if failures++; failures == 1 {
				a.outage.enter(a.screen, err)
			}
			if failures >= triesNetwork && errors.Is(err, errDamaged) {
				return nil, err // it is there, and not away
			}
			if time.Since(began) > firstLook { // something between us may not like long waits
				patience = (patience / 2).Truncate(time.Second)
			}
			delay = pause(err, failures)
			continue
		}
		if failures > 0 {
			a.outage.over(a.screen)
			failures = 0
		}
		quiet++
		if next != nil {
			if first || changed(&j.Job, &next.Job) {
				quiet = 0
				changes++
				a.heard()
			}
			j = next
			news(j)
		}
		delay = 0
		if quiet > 0 || changes > newsAtOnce {
			delay = nextLook(ask, quiet) - time.Since(began)
		}
	}
	return j, nil
}

// An outage is one of the API's, which is told of once however many wait for it.
// The zero outage is none.
type outage struct {
	mu      sync.Mutex
	waiting int // how many wait for its end
}

func (o *outage) enter(s *screen, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.waiting++; o.waiting == 1 {
		s.note("%v; still waiting", err)
	}
}

// over is for those who have heard of the API again, leave for those who wait no
// more.
func (o *outage) over(s *screen) {
	if o.leave() == 0 {
		s.note("the API is back")
	}
}

func (o *outage) leave() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.waiting--
	return o.waiting
}

// changed says whether a job has moved on. An API without ETags answers the same
// job again and again.
func changed(from, to *job.Job) bool {
	return from.State != to.State || from.Run != to.Run || from.Attempts != to.Attempts
}

func nextLook(asked time.Duration, unchanged int) time.Duration {
	delay := firstLook
	for range min(unchanged, 10) {
		delay += delay / 4
	}
	return max(min(delay, longestDelay), min(asked, longestLook))
}

func progressText(j *job.Job) string {
	switch {
	case j.State == job.Queued && j.QueuePosition != nil:
		return fmt.Sprintf("queued, %d before it", *j.QueuePosition)
	case j.State == job.Running && j.Attempts > 1:
		return fmt.Sprintf("running, attempt %d", j.Attempts)
	}
	return string(j.State)
}

// ended is nil for a job that has a picture, and otherwise says why it has none.
func ended(j *job.Job) error {
	switch {
	case j.State == job.Succeeded && j.Result != nil:
		return nil
	case j.State == job.Failed && j.Error != nil:
		return faultf(errFailed, "job %s failed: %s (%s)", j.ID, j.Error.Message, j.Error.Code)
	case j.State == job.Failed, j.State == job.Canceled:
		return faultf(errFailed, "job %s: it was %s", j.ID, j.State)
	case j.State == job.Expired:
		return faultf(errNotFound, "job %s is expired: its picture is gone, submit it again", j.ID)
	}
	return faultf(errState, "job %s is still %s: --wait waits for it", j.ID, j.State)
}

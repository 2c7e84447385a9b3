package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// How soon to look again where the API doesn't say. With every look that finds
// nothing new the pause grows by a quarter, up to longestDelay or what the API
// asks for, if that is longer.
const firstLook = time.Second

// read reads a job, trying again where that helps.
func (a *app) read(ctx context.Context, id job.ID) (*jobAnswer, error) {
	return retrying(ctx, func() (*jobAnswer, error) {
		j, _, err := a.api.job(ctx, id, "")
		return j, err
	}, transient, nil)
}

// wait follows a job until its run has ended. An API that goes away meanwhile
// is waited for too, until ctx ends.
func (a *app) wait(ctx context.Context, j *jobAnswer) (*jobAnswer, error) {
	var shown atomic.Pointer[jobAnswer]
	shown.Store(j)
	stop := a.screen.follow(func() string { return progressText(&shown.Load().Job) })
	defer stop()

	unchanged, failures := 0, 0
	delay := nextLook(j.retryAfter, unchanged)
	for !j.State.Finished() {
		err := sleep(ctx, delay)
		if err != nil {
			return nil, fmt.Errorf("%w; the job goes on", err)
		}
		next, ask, err := a.api.job(ctx, j.ID, j.etag)
		if err := stopped(ctx); err != nil {
			return nil, fmt.Errorf("%w; the job goes on", err)
		}
		if err != nil {
			if !transient(err) {
				return nil, err
			}
			if failures++; failures == 1 {
				a.screen.note("%v; still waiting", err)
			}
			delay = pause(err, failures)
			continue
		}
		if failures > 0 {
			a.screen.note("the API is back")
			failures = 0
		}
		if unchanged++; next != nil {
			if next.State != j.State {
				unchanged = 0
			}
			j = next
			shown.Store(j)
		}
		delay = nextLook(ask, unchanged)
	}
	return j, nil
}

func nextLook(asked time.Duration, unchanged int) time.Duration {
	delay := firstLook
	for range min(unchanged, 10) {
		delay += delay / 4
	}
	return max(min(delay, longestDelay), asked)
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
	return fmt.Errorf("job %s is still %s: --wait waits for it", j.ID, j.State)
}

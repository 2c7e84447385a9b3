//go:build linux

package main

import (
	"context"
	"fmt"
	"net/http"

	"github.com/atelier-go/atelier/pkg/job"
)

// A course is what a load does with a job after it was accepted.
type course struct {
	when func(job.State) bool // waits until this returns true for the job's state; nil: it does not wait
	does func(ctx context.Context, c *client, a *accepted) error
}

func started(s job.State) bool { return s != job.Queued }

// courseOf returns the course of job number i. Most jobs have an empty one: they are left alone.
func courseOf(i int) course {
	switch i % 20 {
	case 3:
		return course{nil, cancel}
	case 13:
		return course{started, cancel}
	case 7:
		return course{nil, cancelAndRetry}
	case 17:
		return course{started, cancelAndRetry}
	case 5:
		return course{nil, erase}
	case 9:
		return course{started, erase}
	case 16:
		return course{job.State.Finished, erase}
	}
	return course{}
}

// begin begins a job's course, and does not wait for it. Only a limited number of courses can wait for a state at the
// same time; further jobs are left alone.
func (l *load) begin(ctx context.Context, a *accepted, of course) {
	if of.does == nil || a.picture.fails != "" {
		return
	}
	slots := l.waiting
	if of.when == nil {
		slots = make(chan struct{}, 1) // it does not wait, so it is not counted
	}
	select {
	case slots <- struct{}{}:
	default:
		return
	}
	l.courses.Go(func() {
		defer func() { <-slots }()
		if err := l.runCourse(ctx, a, of); err != nil && ctx.Err() == nil {
			l.fail(fmt.Errorf("job %s: %w", a.id, err))
		}
	})
}

func (l *load) runCourse(ctx context.Context, a *accepted, of course) error {
	if of.when != nil {
		if _, err := l.client.await(ctx, a.id, of.when); err != nil {
			return err
		}
	}
	return of.does(ctx, l.client, a)
}

// cancel cancels a job, unless it has ended before.
func cancel(ctx context.Context, c *client, a *accepted) error {
	j, err := c.change(ctx, http.MethodPost, a.id, "/cancel")
	switch {
	case refusedWith(err, http.StatusConflict):
		return nil
	case err != nil:
		return fmt.Errorf("cancel: %w", err)
	case j.State != job.Canceled:
		return fmt.Errorf("it was canceled, and the response says that it is %s", j.State)
	}
	a.ends = job.Canceled
	return nil
}

// cancelAndRetry cancels a job, and begins its next run.
func cancelAndRetry(ctx context.Context, c *client, a *accepted) error {
	if err := cancel(ctx, c, a); err != nil || a.ends != job.Canceled {
		return err
	}
	a.ends, a.run = job.Succeeded, 2
	// If the response to a retry is lost, the repeated request may come after the end of the new run, and is a conflict
	// then.
	if _, err := c.change(ctx, http.MethodPost, a.id, "/retry"); err != nil && !refusedWith(err, http.StatusConflict) {
		return fmt.Errorf("retry: %w", err)
	}
	return nil
}

// erase erases a job.
func erase(ctx context.Context, c *client, a *accepted) error {
	if _, err := c.change(ctx, http.MethodDelete, a.id, ""); err != nil && !refusedWith(err, http.StatusGone) {
		return fmt.Errorf("erase: %w", err)
	}
	a.ends = erased
	return nil
}

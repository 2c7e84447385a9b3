package batch

import (
	"context"
	"errors"
	"os"
	"syscall"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/submitter/client"
	"github.com/atelier-go/atelier/submitter/picture"
)

// waitAndSave follows a job until its run has ended, and saves its result.
func (b *Batch) waitAndSave(ctx context.Context, t *task) (*client.Job, error) {
	accepted := &client.Job{Job: job.Job{ID: t.id, State: job.Queued}}
	j, err := b.config.API.Follow(ctx, accepted, b.config.Outage, func(j *client.Job, changed bool) {
		if changed {
			b.progress()
		}
		b.stages.set(t, string(j.State))
	})
	if err == nil {
		err = j.Err()
	}
	if err != nil || t.Result == "" {
		return j, err
	}
	to := &picture.Destination{Path: b.resolve(t.Result), Force: b.header.Options.Force}
	if to.Holds(j.Result.Bytes, j.Result.SHA256) { // saved by a run that was killed before it noted that
		return j, nil
	}
	return persist(ctx, b.backoff, func() (*client.Job, error) {
		return j, to.Write(nil, func(f *os.File) error { return b.config.API.Download(ctx, j, f) })
	})
}

// finish records and reports that a picture is done or, if err is not nil, has failed. If err is an
// error that ends the whole run, it is not the outcome of this picture, which remains for the next
// run.
func (b *Batch) finish(ctx context.Context, t *task, j *client.Job, err error) {
	switch {
	case err != nil && ctx.Err() != nil:
		return
	case err != nil && Fatal(err):
		b.stop(err)
		return
	}
	if rerr := b.report(t, j, err); rerr != nil {
		b.stop(rerr)
		return
	}
	b.progress()
	b.ended.Add(1)
	if err != nil {
		b.stages.set(t, string(job.Failed))
		if client.Unavailable(err) {
			b.retryable.Store(true)
		}
		return
	}
	b.stages.set(t, stageDone)
	b.journal.append(event{N: t.n, Done: true})
}

func (b *Batch) report(t *task, j *client.Job, err error) error {
	b.reporting.Lock()
	defer b.reporting.Unlock()
	return b.config.Report(Outcome{Input: string(t.Name), ID: t.id, Job: j, Result: b.resolve(t.Result), Err: err})
}

// Fatal reports whether every other picture or job would fail with the same error, because the API
// can't be reached, access is denied, or the disk is full.
func Fatal(err error) bool {
	return errors.Is(err, client.ErrUnauthorized) || client.Temporary(err) ||
		errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

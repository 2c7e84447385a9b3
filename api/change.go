package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// cancel ends a job's run. A queued job is not started; the result of a running one is discarded.
func (s *Server) cancel(ctx context.Context, in *jobInput) (*changedOutput, error) {
	id, err := s.authorizedID(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, "cancel a job", err)
	}
	j, err := s.Store.Cancel(id)
	if err != nil {
		return nil, s.problem(ctx, "cancel a job", err)
	}
	s.log(ctx).Info("canceled", "job", id, "by", callerOf(ctx).owner)
	return &changedOutput{Cache: "no-store", Body: withURLs(j)}, nil
}

// retry begins the next run of a failed or canceled job.
func (s *Server) retry(ctx context.Context, in *jobInput) (*acceptedOutput, error) {
	id, err := s.authorizedID(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, "retry a job", err)
	}
	j, err := s.startNextRun(ctx, id, s.Store.Retry)
	if err != nil {
		return nil, s.problem(ctx, "retry a job", err)
	}
	return accepted(j, "../"+in.ID), nil // relative to this request's own address
}

// startNextRun begins and enqueues a job's next run. It can be repeated: if no worker has started
// the run yet, the run is enqueued again. If it returns errMaybeStored, the run may exist without
// having been enqueued. Then the same request again enqueues it, or the sweeper does.
func (s *Server) startNextRun(ctx context.Context, id job.ID, retry func(job.ID) (job.Job, bool, error)) (job.Job, error) {
	j, created, err := retry(id)
	if err != nil {
		return job.Job{}, err
	}
	if err := s.enqueueAgain(ctx, j, created); err != nil {
		return job.Job{}, fmt.Errorf("%w: %w", errMaybeStored, err)
	}
	s.log(ctx).Info("retried", "job", id, "run", j.Run, "by", callerOf(ctx).owner)
	return j, nil
}

func eraseReplies() replies {
	all := problems(401, 404, 410, 500)
	all["204"] = reply("The job is erased", nil, "Cache-Control")
	return all
}

// erase removes a job with all its data, for good. For an erased job it returns 410, so that a
// client whose first response was lost knows that it is done.
func (s *Server) erase(ctx context.Context, in *jobInput) (*struct{}, error) {
	id, published, err := s.eraseTarget(ctx, in.ID)
	var spec job.Spec
	if err == nil && s.Uploads != nil {
		spec, err = s.Store.Spec(id)
		if !errors.Is(err, job.ErrStoreUnavailable) {
			err = nil // a damaged job is erased too
		}
	}
	if err == nil {
		err = s.Store.Erase(id, store.Erased)
		s.linker.forget(published)
	}
	if err != nil {
		return nil, s.problem(ctx, "erase a job", err)
	}
	// They were removed when the job was submitted, unless the bucket was unavailable, or the client
	// has stored one again since.
	for _, u := range store.UploadsOf(&spec) {
		s.removeUpload(ctx, spec.Owner, u)
	}
	s.log(ctx).Info("erased", "job", id, "by", callerOf(ctx).owner)
	return nil, nil
}

// eraseTarget returns the id of a job that the caller may erase, and the names under which its
// result may be published. If the job is damaged, it reads the spec only. If that is unreadable
// too, the owner is unknown, and only an admin may erase the job.
func (s *Server) eraseTarget(ctx context.Context, text string) (id job.ID, published []string, err error) {
	j, err := s.readJob(ctx, text)
	if err == nil {
		return j.ID, store.Published(j.ID, j.Format, j.Public), nil
	}
	if !errors.Is(err, job.ErrDamagedJob) {
		return "", nil, err
	}
	id = job.ID(text) // readJob has parsed it
	spec, serr := s.Store.Spec(id)
	c := callerOf(ctx)
	switch {
	case serr == nil && (c.seesAll || spec.Owner == c.owner):
		return id, store.Published(id, spec.Format, spec.Public), nil
	case !c.seesAll:
		return "", nil, err
	}
	for _, format := range job.OutputFormats {
		published = append(published, store.Published(id, format, false)...)
		published = append(published, store.Published(id, format, true)...)
	}
	return id, published, nil
}

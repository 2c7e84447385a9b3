package api

import (
	"context"
	"errors"
	"fmt"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// cancel ends a job's run: one that waits is never begun, and what is made of
// one that runs is thrown away.
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

// retry lets a job that failed or was canceled run again.
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

// runAgain makes a job's next run and announces it. It can be repeated: a run
// that nobody has begun is announced again. errUnsure: the run may be there and
// could not be announced; the sweeper does that if nobody asks again.
func (s *Server) startNextRun(ctx context.Context, id job.ID, retry func(job.ID) (job.Job, bool, error)) (job.Job, error) {
	j, made, err := retry(id)
	if err != nil {
		return job.Job{}, err
	}
	if err := s.enqueueAgain(ctx, j, made); err != nil {
		return job.Job{}, fmt.Errorf("%w: %w", errMaybeStored, err)
	}
	s.log(ctx).Info("retried", "job", id, "run", j.Run, "by", callerOf(ctx).owner)
	return j, nil
}

func eraseReplies() replies {
	all := problems(401, 404, 410, 500)
	all["204"] = reply("There is nothing left of it", nil, "Cache-Control")
	return all
}

// erase removes everything of a job, for good. What is gone already is answered
// as such, which tells a client whose first answer was lost that it is done.
func (s *Server) erase(ctx context.Context, in *jobInput) (*struct{}, error) {
	id, published, err := s.eraseTarget(ctx, in.ID)
	if err == nil {
		err = s.Store.Erase(id, store.Erased)
		s.linker.forget(published)
	}
	if err != nil {
		return nil, s.problem(ctx, "erase a job", err)
	}
	s.log(ctx).Info("erased", "job", id, "by", callerOf(ctx).owner)
	return nil, nil
}

// erasable reads of a job that the caller may erase where it can be published. Of a
// damaged one the spec is enough; without it the job may be anybody's.
func (s *Server) eraseTarget(ctx context.Context, text string) (id job.ID, published []string, err error) {
	j, err := s.readJob(ctx, text)
	if err == nil {
		return j.ID, store.Published(j.ID, j.Format, j.Public), nil
	}
	if !errors.Is(err, job.ErrDamagedJob) {
		return "", nil, err
	}
	id = job.ID(text) // read has parsed it
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

package api

import (
	"context"
	"fmt"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// cancel ends a job's run: one that waits is never begun, and what is made of
// one that runs is thrown away.
func (s *Server) cancel(ctx context.Context, in *jobInput) (*changedOutput, error) {
	id, err := s.parse(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, "cancel a job", err)
	}
	j, err := s.Store.Cancel(id)
	if err != nil {
		return nil, s.problem(ctx, "cancel a job", err)
	}
	s.Log.Info("canceled", "job", id, "by", callerOf(ctx).owner)
	return &changedOutput{Cache: "no-store", Body: addressed(j)}, nil
}

// retry lets a job that failed or was canceled run again.
func (s *Server) retry(ctx context.Context, in *jobInput) (*acceptedOutput, error) {
	id, err := s.parse(ctx, in.ID)
	if err != nil {
		return nil, s.problem(ctx, "retry a job", err)
	}
	j, err := s.runAgain(ctx, id, s.Store.Retry)
	if err != nil {
		return nil, s.problem(ctx, "retry a job", err)
	}
	return accepted(j, "../"+in.ID), nil // relative to this request's own address
}

// runAgain makes a job's next run and announces it. It can be repeated: a run
// that nobody has begun is announced again. errUnsure: the run may be there and
// could not be announced; the sweeper does that if nobody asks again.
func (s *Server) runAgain(ctx context.Context, id job.ID, retry func(job.ID) (job.Job, error)) (job.Job, error) {
	j, err := retry(id)
	if err != nil {
		return job.Job{}, err
	}
	if err := s.announceAgain(ctx, j); err != nil {
		return job.Job{}, fmt.Errorf("%w: %w", errUnsure, err)
	}
	s.Log.Info("retried", "job", id, "run", j.Run, "by", callerOf(ctx).owner)
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
	j, err := s.read(ctx, in.ID)
	if err == nil {
		err = s.Store.Erase(j.ID, store.Erased)
		s.linker.forget(store.Published(j.ID, j.Format, j.Public))
	}
	if err != nil {
		return nil, s.problem(ctx, "erase a job", err)
	}
	s.Log.Info("erased", "job", j.ID, "by", callerOf(ctx).owner)
	return nil, nil
}

package api

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

const (
	redriveLimit  = 100              // jobs, if the request has no limit
	redriveBudget = 15 * time.Second // for one request, below the time limits of gateways
)

type redriveInput struct {
	Body struct {
		IDs    []string `json:"ids,omitempty" minItems:"1" maxItems:"100" doc:"The jobs with these ids, failed or canceled"`
		All    bool     `json:"all,omitempty" doc:"Every failed job"`
		Code   string   `json:"code,omitempty" doc:"Every failed job with this error code, such as gave_up"`
		Limit  int      `json:"limit,omitempty" minimum:"1" maximum:"1000" default:"100" doc:"With all and code: largest number of jobs in this request"`
		Cursor string   `json:"cursor,omitempty" doc:"With all and code: next_cursor of the previous response"`
	}
}

type redriveOutput struct {
	Cache string `header:"Cache-Control"`
	Body  redriveResult
}

// A redriveResult says what became of the jobs of a redrive.
type redriveResult struct {
	Retried    []job.ID  `json:"retried" doc:"Queued as their next run"`
	Skipped    []skipped `json:"skipped" doc:"Jobs that could not be retried"`
	NextCursor *string   `json:"next_cursor" doc:"For the next request; null if there are no more jobs"`
}

type skipped struct {
	ID     string `json:"id"`
	Code   string `json:"code" doc:"The code of a problem: not_retryable, too_many_runs, not_found, gone, busy, unavailable"`
	Detail string `json:"detail"`
}

// redrive begins the next run of the jobs that the request names, or of a page of all failed jobs.
func (s *Server) redrive(ctx context.Context, in *redriveInput) (*redriveOutput, error) {
	if err := in.validate(); err != nil {
		return nil, s.problem(ctx, "redrive", err)
	}
	// This is checked before anything is changed, so that jobs that could not be enqueued stay
	// failed.
	if err := s.checkQueue(ctx); err != nil {
		return nil, s.problem(ctx, "redrive", fmt.Errorf("%w: %w", errUnavailable, err))
	}
	ids, next := in.Body.IDs, job.ID("")
	if ids == nil {
		var err error
		if ids, next, err = s.failedJobs(ctx, in); err != nil {
			return nil, s.problem(ctx, "list failed jobs", err)
		}
	}
	out := &redriveOutput{Cache: "no-store", Body: redriveResult{Retried: []job.ID{}, Skipped: []skipped{}}}
	done, err := out.Body.retryAll(ids, func(id string) error { return s.redriveOne(ctx, id) })
	switch {
	case err == nil:
	case done == 0:
		return nil, s.problem(ctx, "redrive", err)
	case in.Body.IDs != nil:
		for _, id := range ids[done:] {
			out.Body.skip(id, s.problem(ctx, "redrive", err))
		}
	default: // return what was done; the next request continues with the rest
		next = job.ID(ids[done-1])
	}
	if next != "" {
		cursor := string(next)
		out.Body.NextCursor = &cursor
	}
	return out, nil
}

func (in *redriveInput) validate() error {
	chosen := 0
	for _, given := range []bool{in.Body.IDs != nil, in.Body.All, in.Body.Code != ""} {
		if given {
			chosen++
		}
	}
	if chosen != 1 {
		return &job.FieldError{Field: "ids", Problem: "or all or code is required, and only one of them"}
	}
	if in.Body.Cursor == "" {
		return nil
	}
	if _, err := job.ParseID(in.Body.Cursor); err != nil {
		return &job.FieldError{Field: "cursor", Problem: "must be the next_cursor of the previous response"}
	}
	return nil
}

// failedJobs returns a page of the failed jobs that the request selects, newest first. A page may
// be empty and still have a next cursor.
func (s *Server) failedJobs(ctx context.Context, in *redriveInput) (ids []string, next job.ID, err error) {
	jobs, next, err := s.listWithinShare(ctx, store.Query{
		Before: job.ID(in.Body.Cursor), Limit: in.Body.Limit,
		Keep: func(j *job.Job) bool {
			return j.State == job.Failed && (in.Body.All || j.Error != nil && j.Error.Code == in.Body.Code)
		},
	})
	for _, j := range jobs {
		ids = append(ids, string(j.ID))
	}
	return ids, next, err
}

// retryAll retries jobs one after another. It stops at an error that the other jobs would have too,
// such as errTimeLimit. done is how many jobs it has tried before.
func (d *redriveResult) retryAll(ids []string, retry func(id string) error) (done int, err error) {
	until := time.Now().Add(redriveBudget)
	for i, id := range ids {
		if i > 0 && time.Now().After(until) {
			return i, errTimeLimit
		}
		err := retry(id)
		switch p := (*Problem)(nil); {
		case err == nil:
			d.Retried = append(d.Retried, job.ID(id))
		case errors.As(err, &p):
			d.skip(id, p)
		default:
			return i, err
		}
	}
	return len(ids), nil
}

func (d *redriveResult) skip(id string, why error) {
	if p, ok := errors.AsType[*Problem](why); ok {
		d.Skipped = append(d.Skipped, skipped{id, p.Code, p.Detail})
	}
}

// redriveOne retries one job. If it returns a Problem, that is about this job only. Any other error
// would also occur with every other job.
func (s *Server) redriveOne(ctx context.Context, text string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	id, err := job.ParseID(text)
	if err == nil {
		_, err = s.startNextRun(ctx, id, s.Store.Redrive)
	}
	if err == nil || errors.Is(err, errMaybeStored) || errors.Is(err, job.ErrStoreUnavailable) {
		return err
	}
	return s.problem(ctx, "redrive a job", err)
}

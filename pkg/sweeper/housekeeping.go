package sweeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

const (
	// tempAge is how old a temporary file must be to be one of a dead process.
	// One of a process that was merely stalled may go too: it looks again.
	tempAge = 5 * time.Minute
	// graveTime is how long after the retention a tombstone goes: by then the horizon says that the job is gone.
	graveTime = 24 * time.Hour
	// settled is how long after the end of an hour its jobs are reconciled: no submission takes as long.
	settled = time.Hour
)

// ended is how long after the end of an hour its jobs are reconciled for the last time: they have ended by then, and
// their submissions count no more.
func (s *Sweeper) ended() time.Duration { return max(s.MaxAge, 24*time.Hour) + 2*time.Hour }

// A task of housekeeping goes through a tree of folders, again and again. A pass may take many sweeps: each goes on
// where the last one stopped.
type task struct {
	name  string
	every time.Duration // from the start of a pass to that of the next
	run   func(ctx context.Context, after string) (store.Progress, error)
}

// A taskMemory is how far a task has come.
type taskMemory struct {
	Began time.Time `json:"began"` // the present or last pass
	After string    `json:"after"` // the folder that was done last
	Done  bool      `json:"done"`  // the pass is over
}

// due reports whether there is something to do.
func (m taskMemory) due(now time.Time, every time.Duration) bool {
	age := now.Sub(m.Began)
	return !m.Done || age >= every || age < 0 // a clock has been set
}

func (s *Sweeper) tasks(now time.Time) []task {
	st := s.Store
	once := func(do func(context.Context) error) func(context.Context, string) (store.Progress, error) {
		return func(ctx context.Context, _ string) (store.Progress, error) {
			err := do(ctx)
			return store.Progress{Done: err == nil}, err
		}
	}
	reconcile := func(before time.Time) func(context.Context, string) (store.Progress, error) {
		return func(ctx context.Context, after string) (store.Progress, error) {
			if after == "" || after > job.Hour.Folder(now) { // the first, or a clock was set
				after = job.Hour.Folder(before.Add(-24 * time.Hour))
			}
			return st.Reconcile(ctx, after, before, now, stale)
		}
	}
	return []task{
		{"erasures", 0, once(st.EndErasures)},
		{"spare files", 0, once(func(context.Context) error { return st.FillSpares() })},
		{"temporary files", 0, once(func(ctx context.Context) error { return st.CleanUp(ctx, now, tempAge) })},
		{"retention", time.Hour, func(ctx context.Context, after string) (store.Progress, error) {
			p, err := st.Expire(ctx, now.Add(-s.Retention), after)
			s.expired.Add(int64(p.Count))
			return p, err
		}},
		{"reconciliation", time.Hour, reconcile(now.Add(-settled))},
		{"last reconciliation", time.Hour, reconcile(now.Add(-s.ended()))},
		{"idempotency keys", 6 * time.Hour, func(ctx context.Context, after string) (store.Progress, error) { return st.ForgetKeys(ctx, after, now) }},
		{"uploads", time.Hour, once(func(ctx context.Context) error { return st.ForgetUploads(ctx, now) })},
		{"tombstones", time.Hour, func(ctx context.Context, after string) (store.Progress, error) {
			return st.Forget(ctx, now.Add(-s.Retention-graveTime), after)
		}},
	}
}

// housekeeping works on all tasks that are due, at the same time, so that none holds up another, until ctx ends.
func (s *Sweeper) housekeeping(ctx context.Context, now time.Time, m *memory) error {
	var all sync.WaitGroup
	var mu sync.Mutex
	var errs []error
	for _, t := range s.tasks(now) {
		known := m.task(t.name)
		if !known.due(now, t.every) {
			continue
		}
		if known.Done || known.Began.IsZero() {
			known.Began = now
		}
		all.Go(func() {
			p, err := t.run(ctx, known.After)
			known.After, known.Done = p.After, p.Done
			m.setTask(t.name, known)
			err = s.inTime(ctx, err)
			if t.every > 0 { // else the next begins anew
				err = errors.Join(err, s.save(m))
			}
			if err != nil {
				mu.Lock()
				errs = append(errs, fmt.Errorf("%s: %w", t.name, err))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if n := s.expired.Load(); n > 0 {
		s.Log.Info("retention applied", "jobs", n)
	}
	return errors.Join(errs...)
}

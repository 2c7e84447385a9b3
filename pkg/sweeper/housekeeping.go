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
	// tempFileAge is the age from which a temporary file belongs to a dead process. A process that
	// was only paused may lose its file too, and detects that.
	tempFileAge = 5 * time.Minute
	// tombstoneTime is how long after the retention a tombstone is removed. By then the horizon
	// shows that the job is gone.
	tombstoneTime = 24 * time.Hour
	// reconcileDelay is how long after the end of an hour its jobs are first reconciled. No
	// submission takes that long.
	reconcileDelay = time.Hour
	// longBehind is how long the retention may be behind before an operator is warned.
	longBehind = 24 * time.Hour
)

// lastReconcileDelay is how long after the end of an hour its jobs are reconciled for the last
// time. By then they have ended, and their submissions count towards no quota.
func (s *Sweeper) lastReconcileDelay() time.Duration {
	return max(s.MaxAge, 24*time.Hour) + 2*time.Hour
}

// A task repeatedly goes through a tree of folders. A pass through the tree may take many sweeps,
// each of which continues where the last one stopped.
type task struct {
	name  string
	every time.Duration // between the starts of two passes; 0 is in every sweep
	run   func(ctx context.Context, after string) (store.Progress, error)
}

// retentionTask is the name of the task that removes expired jobs.
const retentionTask = "retention"

// taskProgress is the progress of a task.
type taskProgress struct {
	Began time.Time `json:"began"` // the start of the current pass, or of the last one if that is complete
	After string    `json:"after"` // the After of the store's Progress
	Done  bool      `json:"done"`  // the pass is complete
}

// due reports whether the task must run.
func (m taskProgress) due(now time.Time, every time.Duration) bool {
	age := now.Sub(m.Began)
	return !m.Done || age >= every || age < 0 // the clock was set back
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
			if after == "" || after > job.Hour.Folder(now) { // the first pass, or the clock was set back
				after = job.Hour.Folder(before.Add(-24 * time.Hour))
			}
			return st.Reconcile(ctx, after, before, now, abandonedAge)
		}
	}
	return []task{
		{"erasures", 0, st.EndErasures},
		{"spare files", 0, once(func(context.Context) error { return st.FillSpares() })},
		{"temporary files", 0, once(func(ctx context.Context) error { return st.CleanUp(ctx, now, tempFileAge) })},
		{retentionTask, time.Hour, func(ctx context.Context, after string) (store.Progress, error) {
			p, err := st.Expire(ctx, now.Add(-s.Retention), after)
			s.expired.Add(int64(p.Count))
			if onlyDeadline(ctx, err) {
				err = nil // many jobs take several sweeps, because the retention has a pace: see reportRetention
			}
			return p, err
		}},
		{"reconciliation", time.Hour, reconcile(now.Add(-reconcileDelay))},
		{"last reconciliation", time.Hour, reconcile(now.Add(-s.lastReconcileDelay()))},
		{"idempotency keys", 6 * time.Hour, func(ctx context.Context, after string) (store.Progress, error) { return st.ForgetKeys(ctx, after, now) }},
		{"uploads", time.Hour, func(ctx context.Context, after string) (store.Progress, error) {
			return st.ForgetUploads(ctx, after, now)
		}},
		{"tombstones", time.Hour, func(ctx context.Context, after string) (store.Progress, error) {
			return st.Forget(ctx, now.Add(-s.Retention-tombstoneTime), after)
		}},
	}
}

// housekeeping runs all tasks that are due at the same time, so none delays another, until ctx
// ends.
func (s *Sweeper) housekeeping(ctx context.Context, now time.Time, m *progress) error {
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
			after := known.After
			p, err := t.run(ctx, after)
			known.After, known.Done = p.After, p.Done
			m.setTask(t.name, known)
			err = s.ignoreDeadline(ctx, err)
			if t.every > 0 || after != known.After { // the others start over in each sweep
				err = errors.Join(err, s.saveProgress(m))
			}
			if err != nil {
				mu.Lock()
				errs = append(errs, fmt.Errorf("%s: %w", t.name, err))
				mu.Unlock()
			}
		})
	}
	all.Wait()
	s.reportRetention(m.task(retentionTask), now)
	return errors.Join(errs...)
}

// reportRetention reports and logs how many jobs the retention has removed, and how long it has
// been behind.
func (s *Sweeper) reportRetention(pass taskProgress, now time.Time) {
	if !pass.Done {
		s.report.Behind = max(now.Sub(pass.Began), 0)
	}
	switch n := s.expired.Load(); {
	case s.report.Behind > longBehind:
		s.Log.Warn("the retention is behind: for more than a day it has not removed all expired jobs",
			"jobs", n, "behind", s.report.Behind.Round(time.Second), "removed_until", pass.After)
	case n > 0:
		s.Log.Info("expired jobs were removed", "jobs", n, "behind", s.report.Behind.Round(time.Second))
	}
}

// Package sweeper takes care of jobs that no other process takes care of: jobs whose worker died,
// whose message was lost or became a dead letter, that are too old, that ended but were not cleaned
// up, or whose retention is over. It runs in the API server and the worker daemon, or as a function
// every minute. Any number of processes take turns.
package sweeper

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// Defaults of [Config].
const (
	DefaultEvery     = time.Minute
	DefaultMaxAge    = 24 * time.Hour
	DefaultRetention = 30 * 24 * time.Hour
)

// A jobQueue is the queue of the jobs' messages.
type jobQueue interface {
	Depth(ctx context.Context) (job.Depth, error)
	SendAll(ctx context.Context, ms []job.Message) error
}

// A deadLetterQueue is the queue's dead-letter queue.
type deadLetterQueue interface {
	Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error)
	Delete(ctx context.Context, d job.Delivery) error
}

// Config configures a Sweeper. Zero durations are replaced by the defaults.
type Config struct {
	Store *store.Store
	Queue jobQueue
	Dead  deadLetterQueue // nil if the queue has no dead-letter queue

	Times
	Swept func(Report) // called after each sweep of this Sweeper, before Sweep returns; may be nil
	Log   *slog.Logger // nil discards the log
}

// A Report is the result of a sweep, also of one that was cut short.
type Report struct {
	Unfinished int           // unfinished jobs at its start
	Resent     int           // jobs whose message was sent again
	Dead       int           // messages that were deleted from the dead-letter queue
	TimedOut   int           // jobs that failed because they were too old
	Expired    int           // jobs that were removed because their retention was over
	Behind     time.Duration // how long ago the retention began a pass that has not yet removed all such jobs; 0 if it has
	Took       time.Duration // how long the sweep took
	Err        error         // what Sweep returns
}

// Times are the sweeper's settings.
type Times struct {
	Every     time.Duration // between two sweeps, whichever process makes them
	MaxAge    time.Duration // after which a job that is not finished fails
	Retention time.Duration // after which a finished job and its pictures are removed
}

// Validate returns an error if a time is too short.
func (t Times) Validate() error {
	if t.Every < time.Second || t.MaxAge < time.Minute || t.Retention < time.Minute {
		return errors.New("--sweep-every must be at least 1s, --max-age and --retention at least 1m")
	}
	return nil
}

// A Sweeper makes sweeps. Its methods must not be called concurrently.
type Sweeper struct {
	Config
	report      Report // of the current sweep
	oldestLimit int    // see maxOldest
	chunkLimit  int    // for tests: number of chunks of folders in a sweep; 0 is no limit

	resent, deadLetters, timedOut, expired atomic.Int64 // of the current sweep
}

// New validates the configuration and sets its defaults.
func New(cfg Config) (*Sweeper, error) {
	if cfg.Store == nil || cfg.Queue == nil {
		return nil, errors.New("new sweeper: Store and Queue are required")
	}
	cfg.Every = cmp.Or(cfg.Every, DefaultEvery)
	cfg.MaxAge = cmp.Or(cfg.MaxAge, DefaultMaxAge)
	cfg.Retention = cmp.Or(cfg.Retention, DefaultRetention)
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("new sweeper: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Sweeper{Config: cfg, oldestLimit: maxOldest}, nil
}

// Start makes a sweep whenever it is this process's turn, in another goroutine, until stop is
// called or ctx ends. It logs the errors of sweeps. stop lets a sweep complete the current job, but
// waits at most 5 s, because calls are blocked while a file server is not available.
func (s *Sweeper) Start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { s.run(ctx); close(done) }()
	return func() {
		cancel()
		select {
		case <-done:
		case <-time.After(stopTimeout):
		}
	}
}

const stopTimeout = 5 * time.Second

func (s *Sweeper) run(ctx context.Context) {
	for {
		// A random pause, so that processes that start together don't try to get the turn at the
		// same moment.
		pause := time.NewTimer(s.Every/2 + rand.N(s.Every/2))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("the sweep failed; the next one continues", "error", err)
		}
	}
}

// stopMargin is how long before the deadline of its context a sweep stops, or a quarter of the time
// left if that is less. In this time the current job is completed and the progress is saved: an
// erasure waits up to 15 s for the bucket.
const stopMargin = 20 * time.Second

// Sweep makes one sweep if it is this process's turn; otherwise it returns nil at once. It tries
// every part of the sweep, and joins their errors. Shortly before the deadline of ctx, if there is
// one, it stops between two jobs, and the next sweep continues. It is no error if the time was too
// short for everything.
func (s *Sweeper) Sweep(ctx context.Context) error {
	if end, ok := ctx.Deadline(); ok {
		left := max(time.Until(end), 0)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-min(stopMargin, left/4)))
		defer cancel()
	}

	// A little less than Every, so that a process that calls Sweep at this interval is not refused
	// because it is slightly early.
	mine, err := s.Store.Turn(s.Every * 9 / 10)
	if err != nil || !mine {
		return err
	}
	began := time.Now()
	s.report = Report{}
	for _, n := range []*atomic.Int64{&s.resent, &s.deadLetters, &s.timedOut, &s.expired} {
		n.Store(0)
	}
	err = s.runParts(ctx)
	s.report.Resent, s.report.Dead, s.report.TimedOut, s.report.Expired = int(s.resent.Load()), int(s.deadLetters.Load()), int(s.timedOut.Load()), int(s.expired.Load())
	s.report.Took, s.report.Err = time.Since(began), err
	if s.Swept != nil {
		s.Swept(s.report)
	}
	return err
}

// runParts makes the sweep.
func (s *Sweeper) runParts(ctx context.Context) error {
	now, err := s.Store.Now()
	if err != nil {
		return err
	}
	var m progress
	note, err := s.Store.Note(store.SweepNote)
	if err != nil && !errors.Is(err, job.ErrDamagedJob) {
		return err // going on would discard all progress
	}
	if err == nil && note != nil {
		err = json.Unmarshal(note, &m)
	}
	if err != nil {
		s.Log.Warn("the progress of the last sweep is damaged; all jobs are checked and all tasks begin again (no action needed)", "error", err)
		m.Jobs, m.Tasks = jobsProgress{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, max(s.Every*8/10, minDuration))
	defer cancel()
	parts := []func() error{
		func() error { return errors.Join(s.checkJobs(ctx, now, &m), s.saveProgress(&m)) },
		func() error { return s.readDeadLetters(ctx, now) },
		func() error { return s.housekeeping(ctx, now, &m) },
	}
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() { errs[i] = s.ignoreDeadline(ctx, part()) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// minDuration is the shortest time limit of a sweep. A sweep of this length ends before the next
// one is due, unless sweeps are very frequent.
const minDuration = 10 * time.Second

// ignoreDeadline returns nil for an error that is only caused by the deadline of ctx.
func (s *Sweeper) ignoreDeadline(ctx context.Context, err error) error {
	if !onlyDeadline(ctx, err) {
		return err
	}
	s.Log.Warn("the sweep reached its time limit; the next one continues", "error", err)
	return nil
}

// onlyDeadline reports whether an error is only caused by the deadline of ctx.
func onlyDeadline(ctx context.Context, err error) bool {
	return errors.Is(ctx.Err(), context.DeadlineExceeded) && errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, job.ErrStoreUnavailable)
}

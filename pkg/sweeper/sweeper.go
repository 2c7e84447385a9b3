// Package sweeper looks after jobs that nobody else looks after any more: whose
// worker died, whose message the queue has lost or given up, that are too old,
// or that ended and were not tidied up. It runs beside the API server and the
// worker daemon, or as a function every minute; any number of them take turns.
package sweeper

import (
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

// A line is the queue as the sweeper needs it, across a network.
type line interface {
	Depth(ctx context.Context) (job.Depth, error)
	SendAll(ctx context.Context, ms []job.Message) error
}

// A deadLine is where the queue puts what was received too often.
type deadLine interface {
	Receive(ctx context.Context, max int, wait, visibility time.Duration) ([]job.Delivery, error)
	Delete(ctx context.Context, d job.Delivery) error
}

// Config is what a Sweeper works with. Zero durations are the defaults.
type Config struct {
	Store *store.Store
	Queue line
	Dead  deadLine // nil where the queue has no dead-letter queue

	Times
	Swept func(Report) // is called after each sweep; nil is not
	Log   *slog.Logger // nil discards
}

// A Report is what a sweep did, as far as it came.
type Report struct {
	Unfinished int // jobs that were not finished when it began
	Resent     int // jobs whose message was sent again
	Dead       int // messages that were taken from the dead-letter queue
	TimedOut   int // jobs that were too old, and failed
	Expired    int // jobs whose retention was over, and were removed
	Took       time.Duration
	Err        error
}

// Times are the sweeper's settings. A main shows them as flags: kong reads the
// tags.
type Times struct {
	Every     time.Duration `name:"sweep-every" default:"1m" env:"ATELIER_SWEEP_EVERY" help:"Time between two sweeps, which look after lost and abandoned jobs; of all programs one makes each."`
	MaxAge    time.Duration `default:"24h" env:"ATELIER_MAX_AGE" help:"Time after which a job that is not finished fails."`
	Retention time.Duration `default:"720h" env:"ATELIER_RETENTION" help:"Time after which a finished job is removed, its pictures too."`
}

// Validate refuses times that can't be meant.
func (t Times) Validate() error {
	if t.Every < time.Second || t.MaxAge < time.Minute || t.Retention < time.Minute {
		return errors.New("--sweep-every must be from 1s, --max-age and --retention from 1m")
	}
	return nil
}

// A Sweeper sweeps. Its methods are not to be called at the same time.
type Sweeper struct {
	Config
	report Report // of the sweep that is being made
	oldest int    // see mostOldest
	looks  int    // in tests: how many times a sweep looks at some folders, in place of half of its time; 0 otherwise

	resent, buried, timedOut, expired atomic.Int64 // of it
}

// New checks the configuration and fills in its defaults.
func New(cfg Config) (*Sweeper, error) {
	if cfg.Store == nil || cfg.Queue == nil {
		return nil, errors.New("new sweeper: a store and a queue are needed")
	}
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{{&cfg.Every, DefaultEvery}, {&cfg.MaxAge, DefaultMaxAge}, {&cfg.Retention, DefaultRetention}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("new sweeper: %w", err)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Sweeper{Config: cfg, oldest: mostOldest}, nil
}

// Start sweeps whenever it is this process's turn, until stop is called. That ends a
// sweep after the job in work, but does not wait for ever: a file server that is gone does
// not answer.
func (s *Sweeper) Start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { s.run(ctx); close(done) }()
	return func() {
		cancel()
		select {
		case <-done:
		case <-time.After(patienceAtStop):
		}
	}
}

const patienceAtStop = 5 * time.Second

func (s *Sweeper) run(ctx context.Context) {
	for {
		// Not all who start together ask at the same moment.
		pause := time.NewTimer(s.Every/2 + rand.N(s.Every/2))
		select {
		case <-ctx.Done():
			pause.Stop()
			return
		case <-pause.C:
		}
		if err := s.Sweep(ctx); err != nil && ctx.Err() == nil {
			s.Log.Warn("a sweep was not finished; the next goes on", "error", err)
		}
	}
}

// A memory is what a sweep knows of those before it, whoever made them.
type memory struct {
	mu sync.Mutex

	Jobs  jobsMemory            `json:"jobs"`
	Tasks map[string]taskMemory `json:"tasks"`
}

// A jobsMemory is how far the sweeps have come with active jobs.
type jobsMemory struct {
	Cursor      string    `json:"cursor"`       // the last folder that was looked at, "" if all were
	Counted     int       `json:"counted"`      // unfinished jobs up to there, or of all
	CountedLate int       `json:"counted_late"` // of them, those that are late: see lateAge
	Unfinished  int       `json:"unfinished"`   // when all were looked at last
	Late        int       `json:"late"`         // of them
	CountedAt   time.Time `json:"counted_at"`   // then

	Shortfalls int              `json:"shortfalls"` // comparisons in a row that found fewer messages than jobs
	Missing    int              `json:"missing"`    // by how many, as far as they were not sent again
	Messages   int              `json:"messages"`   // on the queue when the round through all jobs began
	Claimed    map[string]int64 `json:"claimed"`    // see noteClaims

	Backlog store.Backlog `json:"backlog"` // of the last sweep
}

func (m *memory) task(name string) taskMemory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Tasks[name]
}

func (m *memory) setTask(name string, t taskMemory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Tasks == nil {
		m.Tasks = map[string]taskMemory{}
	}
	m.Tasks[name] = t
}

// save leaves the memory to the next sweep. It is called whenever a part of a sweep is done, so that one that is
// killed does not make all that it did be done again.
func (s *Sweeper) save(m *memory) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	note, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.Store.SetNote(store.SweepNote, note)
}

// reserve is how long before a deadline a sweep stops, so that the job in work is
// finished and the note for the next sweep is written: an erasure waits up to 15 s for
// the bucket. Of a short time it is a quarter.
const reserve = 20 * time.Second

// Sweep makes one sweep if it is this process's turn. Every part of it is tried, and
// their errors are returned together. Shortly before the deadline of ctx, if it has one,
// it stops between two jobs. What was done stands, and the next sweep continues: that there
// was more to remove than time is no error.
func (s *Sweeper) Sweep(ctx context.Context) error {
	if end, ok := ctx.Deadline(); ok {
		left := max(time.Until(end), 0)
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-min(reserve, left/4)))
		defer cancel()
	}

	// A little less than the time, so that who asks every minute is not one
	// breath too early.
	mine, err := s.Store.Turn(s.Every * 9 / 10)
	if err != nil || !mine {
		return err
	}
	began := time.Now()
	s.report = Report{}
	for _, n := range []*atomic.Int64{&s.resent, &s.buried, &s.timedOut, &s.expired} {
		n.Store(0)
	}
	err = s.turn(ctx)
	s.report.Resent, s.report.Dead, s.report.TimedOut, s.report.Expired = int(s.resent.Load()), int(s.buried.Load()), int(s.timedOut.Load()), int(s.expired.Load())
	s.report.Took, s.report.Err = time.Since(began), err
	if s.Swept != nil {
		s.Swept(s.report)
	}
	return err
}

// turn is a sweep when it is this process's turn.
func (s *Sweeper) turn(ctx context.Context) error {
	now, err := s.Store.Now()
	if err != nil {
		return err
	}
	var m memory
	note, err := s.Store.Note(store.SweepNote)
	if err != nil && !errors.Is(err, job.ErrDamagedJob) {
		return err // rather than forget how far all has come
	}
	if err == nil && note != nil {
		err = json.Unmarshal(note, &m)
	}
	if err != nil {
		s.Log.Warn("the last sweep's note is damaged", "error", err)
		m.Jobs, m.Tasks = jobsMemory{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, max(s.Every*8/10, shortest))
	defer cancel()
	parts := []func() error{
		func() error { return errors.Join(s.jobs(ctx, now, &m), s.save(&m)) },
		func() error { return s.dead(ctx, now) },
		func() error { return s.housekeeping(ctx, now, &m) },
	}
	errs := make([]error, len(parts))
	var all sync.WaitGroup
	for i, part := range parts {
		all.Go(func() { errs[i] = s.inTime(ctx, part()) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// shortest is what a sweep may take at least. It is over before the next is due, unless sweeps are very frequent.
const shortest = 10 * time.Second

// inTime returns nil for an error that only means that the deadline of ctx is over.
func (s *Sweeper) inTime(ctx context.Context, err error) error {
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, job.ErrStoreAway) {
		return err
	}
	s.Log.Warn("the sweep ran out of time; the next one continues", "error", err)
	return nil
}

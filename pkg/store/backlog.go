package store

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Backlog is what the sweeper has counted of unfinished jobs.
type Backlog struct {
	At         time.Time `json:"at"`         // by the file server's clock
	Unfinished int       `json:"unfinished"` // jobs
	Late       int       `json:"late"`       // jobs among them that have no worker and are older than half of the maximum age
	PerSecond  float64   `json:"per_second"` // jobs by which Unfinished shrank each second between the last two complete counts; negative if it grew, 0 if unknown
}

// Backlog returns the backlog at the last sweep. known is false if there was no sweep within the
// last ten minutes, by the file server's clock.
func (s *Store) Backlog() (b Backlog, known bool, err error) {
	note, err := s.Note(backlogNote)
	if err != nil || note == nil {
		return b, false, err
	}
	if err = json.Unmarshal(note, &b); err != nil {
		return b, false, fmt.Errorf("%s: %w: %w", backlogNote, errUnreadable, err)
	}
	now, err := s.serverNow()
	return b, err == nil && now.Sub(b.At).Abs() <= backlogStale, err
}

// SetBacklog stores a backlog, for all processes that accept jobs.
func (s *Store) SetBacklog(b Backlog) error {
	note, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return s.SetNote(backlogNote, note)
}

// A BacklogError is why no further jobs are accepted. It wraps [job.ErrBacklog].
type BacklogError struct {
	Backlog
	After time.Duration // how long to wait until it may be short enough, at the rate at which it shrinks
}

func (e *BacklogError) Error() string {
	return fmt.Sprintf("%s: %d are unfinished, and %d of them late", job.ErrBacklog, e.Unfinished, e.Late)
}

func (e *BacklogError) Unwrap() error { return job.ErrBacklog }

const (
	// backlogAge is how long a process uses a backlog that it has read.
	backlogAge = 10 * time.Second
	// backlogStale is the age from which a backlog is ignored, because it seems that no process
	// sweeps.
	backlogStale = 10 * time.Minute
	// maxAfter is the longest time that a client is asked to wait, and the time for a backlog that
	// does not shrink.
	maxAfter = 15 * time.Minute
	// minLate is the number of late jobs from which no further jobs are accepted, or a hundredth of
	// the unfinished ones if that is more. Some jobs always are: those whose message was lost, or
	// that are unreadable.
	minLate = 100
)

// A cachedBacklog is the backlog as this process has last read it.
type cachedBacklog struct {
	mu    sync.Mutex
	read  time.Time
	last  Backlog
	known bool
}

// checkBacklog returns a [BacklogError] if too many jobs waited at the last sweep, or too many of
// them were late. A backlog that can't be read is no reason to refuse a job.
func (s *Store) checkBacklog() error {
	if s.quotas.Backlog == 0 {
		return nil
	}
	k := &s.backlog
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.read) >= backlogAge {
		k.read = time.Now()
		k.last, k.known, _ = s.Backlog() // a damaged one is ignored
	}
	if !k.known {
		return nil
	}
	b := k.last
	over := max(b.Unfinished-s.quotas.Backlog, b.Late-max(minLate, b.Unfinished/100)) + 1 // jobs too many
	if over <= 0 {
		return nil
	}
	after := maxAfter
	if b.PerSecond > 0 {
		seconds := min(math.Ceil(float64(over)/b.PerSecond), maxAfter.Seconds())
		after = time.Duration(seconds) * time.Second
	}
	return &BacklogError{b, max(after, time.Minute)} // sweeps count it once a minute
}

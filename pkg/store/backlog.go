package store

import (
	"encoding/json"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Backlog is what waited at a sweep.
type Backlog struct {
	At         time.Time `json:"at"`         // by the file server's clock
	Unfinished int       `json:"unfinished"` // jobs
	Late       int       `json:"late"`       // of them, have waited for a worker for half of their maximum age
	PerSecond  float64   `json:"per_second"` // by how many jobs it has become shorter from count to count
}

// Backlog is what waited at the last sweep. !known: there was none, or none for ten minutes by the file server's clock.
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

// SetBacklog leaves it to those who accept jobs.
func (s *Store) SetBacklog(b Backlog) error {
	note, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return s.SetNote(backlogNote, note)
}

// A BacklogError says why no further jobs are accepted. It wraps [job.ErrBacklog].
type BacklogError struct {
	Backlog
	After time.Duration // when it may be short enough, by how it has changed
}

func (e *BacklogError) Error() string {
	return fmt.Sprintf("%s: %d are unfinished, and %d of them late", job.ErrBacklog, e.Unfinished, e.Late)
}

func (e *BacklogError) Unwrap() error { return job.ErrBacklog }

const (
	// backlogAge is for how long a process goes by what it has read of the backlog.
	backlogAge = 10 * time.Second
	// backlogStale is the age at which a backlog says nothing any more: nobody sweeps.
	backlogStale = 10 * time.Minute
	// mostAfter is how long one who is refused is asked to wait at most, and what is said of a
	// backlog that does not become shorter.
	maxAfter = 15 * time.Minute
	// fewLate is how many jobs may be late, or a hundredth of the unfinished where that is more:
	// some always are, of which a message was lost or nothing can be read.
	minLate = 100
)

// A knownBacklog is what this process has read of the backlog.
type cachedBacklog struct {
	mu    sync.Mutex
	read  time.Time
	last  Backlog
	known bool
}

// backlogged is a [BacklogError] where as many jobs wait as may, or too many are late, by the last sweep. What can't
// be read refuses nothing.
func (s *Store) checkBacklog() error {
	if s.quotas.Backlog == 0 {
		return nil
	}
	k := &s.backlog
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.read) >= backlogAge {
		k.read = time.Now()
		k.last, k.known, _ = s.Backlog() // damaged is as good as none
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
	return &BacklogError{b, max(after, time.Minute)} // it is counted once a minute
}

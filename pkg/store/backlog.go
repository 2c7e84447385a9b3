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
	PerSecond  float64   `json:"per_second"` // by how many unfinished jobs it has become shorter
}

// Backlog is what waited at the last sweep. !stands: it says nothing any more, since there was no sweep, or none for ten
// minutes.
func (s *Store) Backlog() (b Backlog, stands bool, err error) {
	k := &s.backlog
	k.mu.Lock()
	defer k.mu.Unlock()
	err = s.readBacklog(k)
	return k.last, k.stands(), err
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
	return fmt.Sprintf("%s: %d are unfinished, and %d of them have waited for half of their maximum age", job.ErrBacklog, e.Unfinished, e.Late)
}

func (e *BacklogError) Unwrap() error { return job.ErrBacklog }

const (
	// backlogAge is for how long a process goes by what it has read of the backlog.
	backlogAge = 10 * time.Second
	// backlogStale is the age at which a backlog says nothing any more: nobody sweeps.
	backlogStale = 10 * time.Minute
	// mostAfter is how long one who is refused is asked to wait at most, and what is said of a
	// backlog that does not become shorter.
	mostAfter = 15 * time.Minute
	// fewLate is how many jobs may be late, or a hundredth of the unfinished where that is more:
	// some always are, of which a message was lost or nothing can be read.
	fewLate = 100
)

// A knownBacklog is what this process has read of the backlog.
type knownBacklog struct {
	mu      sync.Mutex
	read    time.Time
	last    Backlog
	changed time.Time // when the last was new, by this process's clock
}

func (k *knownBacklog) stands() bool { return !k.last.At.IsZero() && time.Since(k.changed) < backlogStale }

// readBacklog reads the note, and judges its age without comparing two clocks: of the first note by the file
// server's, and after that by for how long this process has seen the same. Of a note that can't be read the last
// one stands.
func (s *Store) readBacklog(k *knownBacklog) error {
	k.read = time.Now()
	note, err := s.Note(backlogNote)
	if err != nil || note == nil {
		return err
	}
	var b Backlog
	if err := json.Unmarshal(note, &b); err != nil {
		return fmt.Errorf("%s: %w: %w", backlogNote, errUnreadable, err)
	}
	if b.At.Equal(k.last.At) {
		return nil
	}
	var age time.Duration
	if k.last.At.IsZero() { // the first that this process sees may be an old one
		now, err := s.now()
		if err != nil {
			return err
		}
		age = max(now.Sub(b.At), 0)
	}
	k.last, k.changed = b, time.Now().Add(-age)
	return nil
}

// backlogged is a [BacklogError] where as many jobs wait as may, or too many are late, by the last sweep. What can't
// be read refuses nothing.
func (s *Store) backlogged() error {
	if s.quotas.Backlog == 0 {
		return nil
	}
	k := &s.backlog
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Since(k.read) >= backlogAge {
		_ = s.readBacklog(k) // the last stands, for a while
	}
	if !k.stands() {
		return nil
	}
	b := k.last
	over := max(b.Unfinished-s.quotas.Backlog, b.Late-max(fewLate, b.Unfinished/100)) + 1 // jobs too many
	if over <= 0 {
		return nil
	}
	after := mostAfter
	if b.PerSecond > 0 {
		seconds := min(math.Ceil(float64(over)/b.PerSecond), mostAfter.Seconds())
		after = time.Duration(seconds) * time.Second
	}
	return &BacklogError{b, max(after, time.Minute)} // it is counted once a minute
}

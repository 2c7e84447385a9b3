package datasync

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A state is what one step leaves for the next. Times are by the file server's clock.
type state struct {
	Task string `json:"task"` // a state of another task is discarded

	// What was published before these times is in the bucket: into the folders of each of looks, and into older ones.
	Copied    [len(looks)]time.Time `json:"copied"`
	CopiedAll time.Time             `json:"copied_all"`
	Looking   looking               `json:"looking"`
	Pass      pass                  `json:"pass"`

	Full      time.Time `json:"full"`       // the start of the last full execution that succeeded
	FullTried time.Time `json:"full_tried"` // the start of the last one

	Execution string    `json:"execution,omitempty"` // the ARN of what runs
	Began     time.Time `json:"began"`               // of the execution
	Ours      bool      `json:"ours"`                // it copies what was found before
	Look      int       `json:"look"`                // which of looks was done then; -1 is none
	Looked    time.Time `json:"looked"`              // when that began
	All       bool      `json:"all"`                 // with it a pass was over
	Whole     bool      `json:"whole"`               // it has no manifest
	Folders   []string  `json:"folders,omitempty"`   // of the names in its manifest, see foldersOf
	Many      bool      `json:"many,omitempty"`      // there are too many to be noted

	Unshown unshown `json:"unshown"`

	Failures  int       `json:"failures"` // in a row
	NotBefore time.Time `json:"not_before"`
	Missing   time.Time `json:"missing"` // when pictures were found first that are not in the bucket; zero if there are none

	failures int   // of this step
	notShown error // why this step's update failed
}

// A looking is a look for which one step has no time.
type looking struct {
	Began time.Time `json:"began"`        // zero if there is none
	Which int       `json:"which"`        // of looks, the one that looks back furthest
	Done  int       `json:"done"`         // how many of them are done
	At    string    `json:"at,omitempty"` // of the next one, the place of the last folder that is done
}

// A pass is a look at all folders that are too old for looks, some days at each step.
type pass struct {
	Began time.Time `json:"began"`           // zero if there is none
	After string    `json:"after,omitempty"` // the day that was looked at last
	At    string    `json:"at,omitempty"`    // the place of the last folder of the next day that is done
	Steps int       `json:"steps"`           // of the present pass, or of the last one
}

// A retry comes after firstRetry, then at intervals that double up to lastRetry.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// fullDue: a failed full execution must not keep manifests from being copied, so the next
// comes after the longest interval.
func (s *state) fullDue(now time.Time) bool {
	return now.Sub(s.Full) >= fullEvery && now.Sub(s.FullTried) >= lastRetry
}

func (s *state) begin(execution string, now time.Time, ours bool) {
	s.Execution, s.Began, s.Ours = execution, now, ours
	s.Look, s.All, s.Whole, s.Folders, s.Many = -1, false, false, nil, false
	if !ours {
		s.forget()
	}
}

// forget ends what has begun of a look and a pass: what was found is not copied.
func (s *state) forget() { s.Looking, s.Pass.Began = looking{}, time.Time{} }

// copied notes that what a look that began at a time had found is in the bucket.
func (s *state) copied(before time.Time, look int) {
	for i := range s.Copied {
		if i <= look {
			s.Copied[i] = before
		}
	}
	if look >= 0 {
		s.Missing = time.Time{}
	}
}

// passed notes that a pass is over, and that what it had found is in the bucket.
func (s *state) passed() { s.CopiedAll, s.Pass.Began = s.Pass.Began, time.Time{} }

func (s *state) end(now time.Time, well bool) {
	s.Execution = ""
	switch {
	case !well:
		s.failed(now)
		return
	case !s.Ours:
		return
	case s.Whole:
		s.forget()
		s.Look, s.Looked, s.Full, s.CopiedAll = len(looks)-1, s.Began, s.Began, s.Began
	case s.All:
		s.passed()
	}
	s.copied(s.Looked, s.Look)
	s.Failures, s.NotBefore = 0, time.Time{}
}

func (s *state) failed(now time.Time) {
	s.forget()
	s.NotBefore = now.Add(min(firstRetry<<min(s.Failures, 10), lastRetry))
	s.Failures++
	s.failures++
}

func (s *state) report(now time.Time) Report {
	r := Report{Failed: s.failures}
	if !s.Missing.IsZero() {
		r.Waited = now.Sub(s.Missing)
	}
	return r
}

func (c *Copier) load() (s state, err error) {
	note, err := c.note(store.CopyNote)
	if err != nil {
		return s, err
	}
	if note != nil {
		if err := json.Unmarshal(note, &s); err != nil {
			c.Log.Warn("the note of what was copied is damaged: all is compared again", "error", err)
			s = state{}
		}
	}
	if s.Task != c.Task {
		s = state{Task: c.Task}
	}
	return s, nil
}

// note reads a note. One that is damaged is as good as none: it is written anew.
func (c *Copier) note(n store.Note) ([]byte, error) {
	content, err := c.Store.Note(n)
	if errors.Is(err, job.ErrDamagedJob) {
		c.Log.Warn("a note is damaged", "note", string(n), "error", err)
		return nil, nil
	}
	return content, err
}

func (c *Copier) save(s *state) error {
	note, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return c.Store.SetNote(store.CopyNote, note)
}

package datasync

import (
	"encoding/json"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// A state is passed from one step to the next. Times are by the file server's clock.
type state struct {
	Task string `json:"task"` // a state of another task is discarded

	Copied    time.Time `json:"copied"`     // what was published earlier in recent hours is in the bucket
	CopiedAll time.Time `json:"copied_all"` // what was published earlier in any hour is in the bucket
	Full      time.Time `json:"full"`       // start of the last successful full execution
	FullTried time.Time `json:"full_tried"` // start of the last full execution

	Execution string    `json:"execution,omitempty"` // ARN of the running execution
	Began     time.Time `json:"began"`               // its start
	Ours      bool      `json:"ours"`                // a Copier started it, for what was new in recent hours
	All       bool      `json:"all"`                 // for what was new in any hour
	Whole     bool      `json:"whole"`               // it has no manifest
	Folders   []string  `json:"folders,omitempty"`   // folders of the names in its manifest

	Failures  int       `json:"failures"` // consecutive ones
	NotBefore time.Time `json:"not_before"`
	Missing   time.Time `json:"missing"` // when it was first found that the bucket lacks pictures; zero if it lacks none

	failures int // in this step
}

// The first retry comes after firstRetry; the intervals then double up to lastRetry.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// fullDue reports whether a full execution is due. After a failed one the next comes after the longest
// interval, so that manifests are copied meanwhile.
func (s *state) fullDue(now time.Time) bool {
	return now.Sub(s.Full) >= fullEvery && now.Sub(s.FullTried) >= lastRetry
}

func (s *state) begin(execution string, now time.Time, ours bool) {
	s.Execution, s.Began, s.Ours, s.All, s.Whole, s.Folders = execution, now, ours, false, false, nil
}

// copied records that what was published before this time is in the bucket.
func (s *state) copied(before time.Time, all bool) {
	s.Copied, s.Missing = before, time.Time{}
	if all {
		s.CopiedAll = before
	}
}

func (s *state) end(now time.Time, succeeded bool) {
	began := s.Began
	s.Execution = ""
	switch {
	case !succeeded:
		s.failed(now)
	case s.Ours:
		s.copied(began, s.All || s.Whole)
		s.Failures, s.NotBefore = 0, time.Time{}
		if s.Whole {
			s.Full = began
		}
	}
}

func (s *state) failed(now time.Time) {
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
	note, err := c.Store.Note(store.CopyNote)
	if err != nil {
		return s, err
	}
	if note != nil {
		if err := json.Unmarshal(note, &s); err != nil {
			c.Log.Warn("the record of what was copied is damaged: everything is compared again", "error", err)
			s = state{}
		}
	}
	if s.Task != c.Task {
		s = state{Task: c.Task}
	}
	return s, nil
}

func (c *Copier) save(s *state) error {
	note, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return c.Store.SetNote(store.CopyNote, note)
}

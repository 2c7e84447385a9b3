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

	Copied    time.Time `json:"copied"`     // what was published before in recent hours is in the bucket
	CopiedAll time.Time `json:"copied_all"` // what was published before in any hour is
	Full      time.Time `json:"full"`       // the start of the last full execution that succeeded
	FullTried time.Time `json:"full_tried"` // the start of the last one

	Execution string    `json:"execution,omitempty"` // the ARN of what runs
	Began     time.Time `json:"began"`               // of the execution
	Ours      bool      `json:"ours"`                // it copies what was new in recent hours when it began
	All       bool      `json:"all"`                 // in any hour
	Whole     bool      `json:"whole"`               // it has no manifest
	Partly    bool      `json:"partly,omitempty"`    // there was more than it takes
	Folders   []string  `json:"folders,omitempty"`   // of the names in its manifest

	Failures  int       `json:"failures"` // in a row
	NotBefore time.Time `json:"not_before"`
	Missing   time.Time `json:"missing"` // when pictures were found first that are not in the bucket; zero if there are none

	failures int // of this step
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
	s.Execution, s.Began, s.Ours, s.All, s.Whole, s.Partly, s.Folders = execution, now, ours, false, false, false, nil
}

// copied notes that what was published before a time is in the bucket.
func (s *state) copied(before time.Time, all bool) {
	s.Copied, s.Missing = before, time.Time{}
	if all {
		s.CopiedAll = before
	}
}

func (s *state) end(now time.Time, well bool) {
	began := s.Began
	s.Execution = ""
	switch {
	case !well:
		s.failed(now)
	case s.Ours:
		if !s.Partly { // else the next look finds the rest
			s.copied(began, s.All || s.Whole)
		}
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
	if err != nil && !errors.Is(err, job.ErrDamagedJob) {
		return s, err
	}
	if err == nil && note != nil {
		err = json.Unmarshal(note, &s)
	}
	if err != nil {
		c.Log.Warn("the note of what was copied is damaged: all is compared again", "error", err)
		s = state{}
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

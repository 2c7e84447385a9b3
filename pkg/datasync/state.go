package datasync

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A state is what a step leaves for the next one. Times are by the file server's clock. Its size is
// bounded, because a note has at most 64 KiB.
type state struct {
	Task string `json:"task"` // the state of another task is discarded

	Scans  scans    `json:"scans"`
	Unread []string `json:"unread,omitempty"` // changed folders that could not be compared, see compareUnread
	Aside  []aside  `json:"aside,omitempty"`

	Execution   string    `json:"execution,omitempty"`   // ARN of the current execution; "" if there is none
	Began       time.Time `json:"began"`                 // start of the execution
	Manifest    string    `json:"manifest,omitempty"`    // key of its manifest; "" if it was not started by a step
	Retry       bool      `json:"retry,omitempty"`       // the manifest has pictures that are put aside
	Next        scans     `json:"next"`                  // the scans once its pictures are copied
	NextUnread  []string  `json:"next_unread,omitempty"` // Unread once its pictures are copied
	Folders     []string  `json:"folders,omitempty"`     // folders in its manifest, see foldersOf
	ManyFolders bool      `json:"many,omitempty"`        // there are too many folders to be recorded

	Pending pendingUpdate `json:"unshown"`

	Failures     int       `json:"failures"` // consecutive failures
	NotBefore    time.Time `json:"not_before"`
	MissingSince time.Time `json:"missing"` // since when pictures are known to be missing in the bucket; zero if none are

	version      int   // of the note
	stepFailures int   // failures in this step
	updateErr    error // error of this step's update
}

// After a failure the next try is after firstRetry, then at intervals that double up to lastRetry.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

func (s *state) beginExecution(execution, manifest string, now time.Time) {
	s.Execution, s.Manifest, s.Began = execution, manifest, now
	s.Next, s.NextUnread, s.Retry, s.Folders, s.ManyFolders = s.Scans, nil, false, nil, false
}

// completesFull reports whether a progress of the scans completes a full comparison.
func (s *state) completesFull(next scans) bool { return !next[full].Copied.Equal(s.Scans[full].Copied) }

// endExecution records the end of an execution. If its pictures are copied, what the scans found
// until then is in the bucket.
func (s *state) endExecution(copied bool) {
	if copied {
		s.advance(s.Next)
		s.Unread = s.NextUnread
		s.Failures, s.NotBefore = 0, time.Time{}
	}
	s.beginExecution("", "", time.Time{})
}

// advance records the progress of scans whose pictures are all in the bucket.
func (s *state) advance(to scans) {
	s.Scans = to
	if to.recentDone() {
		s.MissingSince = time.Time{}
	}
}

func (s *state) markFailed(now time.Time) {
	s.NotBefore = now.Add(min(firstRetry<<min(s.Failures, 10), lastRetry))
	s.Failures++
	s.stepFailures++
}

func (s *state) report(now time.Time) Report {
	r := Report{Failed: s.stepFailures}
	if !s.MissingSince.IsZero() {
		r.Waited = now.Sub(s.MissingSince)
	}
	return r
}

// replaceFutureTimes replaces times that are later than they can be, as after the file server's clock
// was set back, and reports whether there were any. With these times, scans and tries would wait. If
// one is of a scan, all scans start over, and a full comparison begins: only that finds what was
// published between the change of the clock and now.
func (s *state) replaceFutureTimes(now time.Time) (replaced bool) {
	limit := func(at *time.Time, ahead time.Duration) {
		if at.After(now.Add(ahead)) {
			*at, replaced = now, true
		}
	}
	for level := range levels {
		for _, p := range []*progress{&s.Scans[level], &s.Next[level]} {
			limit(&p.Copied, overlap)
			limit(&p.Began, overlap)
		}
	}
	if replaced {
		s.Scans, s.Next = newScans(now), newScans(now)
	}
	limit(&s.Began, overlap)
	limit(&s.MissingSince, overlap)
	limit(&s.NotBefore, lastRetry)
	for i := range s.Aside {
		limit(&s.Aside[i].Again, lastAside)
	}
	return replaced
}

// load returns the state and the time. The clock is read after the note: in the other order, another
// step may have written a later time in between. The error may be [store.ErrOvertaken].
func (c *Copier) load() (s state, now time.Time, err error) {
	if s, err = c.recorded(); err != nil {
		return s, now, err
	}
	if now, err = c.Store.Now(); err != nil {
		return s, now, err
	}
	if s.Task != c.Task {
		s = state{Task: c.Task, Scans: newScans(now), version: s.version}
	}
	if s.replaceFutureTimes(now) {
		// Without this, the next step would replace them again, by a later time.
		if err = c.save(&s); err == nil {
			c.Log.Warn("the note of what was copied had times in the future, which were replaced: the file server's clock was set back, or another program has written the note", "now", now)
		}
	}
	return s, now, err
}

// recorded returns the state in the note, which may be another task's. If there is none, or it is
// damaged, the state has no task.
func (c *Copier) recorded() (s state, err error) {
	note, version, err := c.Store.NoteVersion(store.CopyNote)
	if errors.Is(err, job.ErrDamagedJob) {
		note, err = []byte(err.Error()), nil
	}
	if err != nil {
		return s, err
	}
	if note != nil {
		if err := json.Unmarshal(note, &s); err != nil {
			c.Log.Warn("the note of what was copied is damaged; comparing all folders again", "error", err)
			s = state{}
		}
	}
	s.version = version
	return s, nil
}

// save returns [store.ErrOvertaken] if another step has saved its state since this one was loaded.
func (c *Copier) save(s *state) error {
	note, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err = c.Store.SetNoteVersion(store.CopyNote, s.version, note); err == nil {
		s.version++
	}
	return err
}

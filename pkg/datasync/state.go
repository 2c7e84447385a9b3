package datasync

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A state is what a step leaves for the next one. Times are by the file server's clock.
type state struct {
	Task string `json:"task"` // the state of another task is discarded

	// What was published before these times is in the bucket: in the folders of each of ageRanges,
	// and in older folders.
	Copied    [len(ageRanges)]time.Time `json:"copied"`
	CopiedOld time.Time                 `json:"copied_all"`
	Scan      scan                      `json:"looking"`
	Pass      pass                      `json:"pass"`

	Full      time.Time `json:"full"`       // start of the last successful full execution
	FullTried time.Time `json:"full_tried"` // start of the last full execution

	Execution    string    `json:"execution,omitempty"` // ARN of the current execution; "" if there is none
	Began        time.Time `json:"began"`               // start of the execution
	Ours         bool      `json:"ours"`                // it was started by a step; otherwise its content is unknown
	ScannedRange int       `json:"look"`                // index of the oldest scanned range; -1 if there is none
	ScanBegan    time.Time `json:"looked"`              // start of that scan
	PassDone     bool      `json:"all"`                 // the pass was complete
	IsFull       bool      `json:"whole"`               // a full execution, without manifest
	Folders      []string  `json:"folders,omitempty"`   // folders in its manifest, see foldersOf
	ManyFolders  bool      `json:"many,omitempty"`      // there are too many folders to be recorded

	Pending pendingUpdate `json:"unshown"`

	Failures     int       `json:"failures"` // consecutive failures
	NotBefore    time.Time `json:"not_before"`
	MissingSince time.Time `json:"missing"` // since when pictures are known to be missing in the bucket; zero if none are

	stepFailures int   // failures in this step
	updateErr    error // error of this step's update
}

// A scan is the progress of a scan of recent folders that takes more than one step.
type scan struct {
	Began      time.Time `json:"began"`        // zero if there is none
	Range      int       `json:"which"`        // index of the oldest range of ageRanges in this scan
	DoneRanges int       `json:"done"`         // number of ranges that are done
	LastFolder string    `json:"at,omitempty"` // sort key of the last folder that is done in the next range
}

// A pass scans all folders that are too old for ageRanges, some days at each step.
type pass struct {
	Began      time.Time `json:"began"`           // zero if there is none
	LastDay    string    `json:"after,omitempty"` // the last day that is done
	LastFolder string    `json:"at,omitempty"`    // sort key of the last folder that is done in the next day
	Steps      int       `json:"steps"`           // of the current or last pass
}

// After a failure the next try is after firstRetry, then at intervals that double up to lastRetry.
const (
	firstRetry = time.Minute
	lastRetry  = time.Hour
)

// fullDue reports whether a full execution is due. A failed one must not prevent copies with
// manifests, so the next full execution is tried after the longest interval.
func (s *state) fullDue(now time.Time) bool {
	return now.Sub(s.Full) >= fullEvery && now.Sub(s.FullTried) >= lastRetry
}

func (s *state) beginExecution(execution string, now time.Time, ours bool) {
	s.Execution, s.Began, s.Ours = execution, now, ours
	s.ScannedRange, s.PassDone, s.IsFull, s.Folders, s.ManyFolders = -1, false, false, nil, false
	if !ours {
		s.discardScan()
	}
}

// discardScan discards the progress of a scan and a pass, because what they found was not copied.
func (s *state) discardScan() { s.Scan, s.Pass.Began = scan{}, time.Time{} }

// markCopied records that the pictures are in the bucket which a scan of the ranges up to scanned
// found, and that the scan began at before.
func (s *state) markCopied(before time.Time, scanned int) {
	for i := range s.Copied {
		if i <= scanned {
			s.Copied[i] = before
		}
	}
	if scanned >= 0 {
		s.MissingSince = time.Time{}
	}
}

// endPass records that a pass is complete, and its pictures are in the bucket.
func (s *state) endPass() { s.CopiedOld, s.Pass.Began = s.Pass.Began, time.Time{} }

func (s *state) endExecution(now time.Time, well bool) {
	s.Execution = ""
	switch {
	case !well:
		s.markFailed(now)
		return
	case !s.Ours:
		return
	case s.IsFull:
		s.discardScan()
		s.ScannedRange, s.ScanBegan, s.Full, s.CopiedOld = len(ageRanges)-1, s.Began, s.Began, s.Began
	case s.PassDone:
		s.endPass()
	}
	s.markCopied(s.ScanBegan, s.ScannedRange)
	s.Failures, s.NotBefore = 0, time.Time{}
}

func (s *state) markFailed(now time.Time) {
	s.discardScan()
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

func (c *Copier) load() (s state, err error) {
	note, err := c.note(store.CopyNote)
	if err != nil {
		return s, err
	}
	if note != nil {
		if err := json.Unmarshal(note, &s); err != nil {
			c.Log.Warn("the note of what was copied is damaged; comparing all folders again", "error", err)
			s = state{}
		}
	}
	if s.Task != c.Task {
		s = state{Task: c.Task}
	}
	return s, nil
}

// note reads a note. A damaged note is treated like a missing one, and written again.
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

package datasync

import "time"

// levels say how often the folders of jobs of an age are scanned for changes. Most jobs are painted
// soon after their submission, and for a job that has waited for long some minutes more matter
// less. Under load each second has three folders, and each folder takes a call of the file server.
// Each level has its own progress, so that a scan of many old folders does not delay new pictures.
//
// The last level compares all folders with the bucket, whether they have changed or not. It finds
// what the others can't: objects that have no file, and what is missing after the state was lost.
var levels = [...]struct{ back, every time.Duration }{
	{15 * time.Minute, 0}, // at each step
	{2 * time.Hour, 5 * time.Minute},
	{25 * time.Hour, time.Hour}, // the maximum age of a job at its first outcome
	{0, time.Hour},              // the others, into which late retries publish
	{0, fullEvery},
}

const (
	older = 3 // index of the level without an age limit
	full  = 4 // index of the full comparison
	// fullEvery is the time between two full comparisons.
	fullEvery = 24 * time.Hour
	// longEvery replaces the interval of older folders if a scan takes more than one step.
	longEvery = 24 * time.Hour
)

// A progress is how far the scans of a level are. Times are by the file server's clock.
type progress struct {
	// Copied is the start of the last scan that is complete. What was published before that time
	// into the level's folders is in the bucket.
	Copied time.Time `json:"copied"`
	Steps  int       `json:"steps,omitempty"` // of the current or last scan
	// The current scan; Began is the zero time if there is none. It is of the folders of jobs made
	// from First on and before Last, the youngest first; those from At on are done. A zero time is
	// no limit.
	Began time.Time `json:"began,omitzero"`
	First time.Time `json:"first,omitzero"`
	Last  time.Time `json:"last,omitzero"`
	At    time.Time `json:"at,omitzero"`
}

// A scans is the progress of all levels.
type scans [len(levels)]progress

// newScans returns the progress of a copier that knows nothing about the bucket: the full
// comparison finds what was published before now, and the other levels what is published later.
func newScans(now time.Time) (s scans) {
	for i := range full {
		s[i].Copied = now
	}
	return s
}

// begin begins a scan of a level if one is due, and reports whether one is in progress.
func (s *scans) begin(level int, now time.Time) bool {
	p, l := &s[level], levels[level]
	every := l.every
	if level == older && p.Steps > 1 {
		every = longEvery
	}
	if !p.Began.IsZero() {
		return true
	}
	if now.Sub(p.Copied) < every {
		return false
	}
	*p = progress{Copied: p.Copied, Began: now}
	if level == full {
		return true
	}
	if level > 0 {
		p.Last = s.bound(level - 1)
	}
	if l.back == 0 {
		return true
	}
	// The scan begins where the previous one began: folders that have become too old for the level
	// since were not scanned again.
	p.First = p.Copied.Add(-l.back)
	if now.Sub(p.Copied) > 2*l.back {
		// After a long pause that would be many folders, which would delay what is published from
		// now on. They are left to the next level, which starts over with them.
		p.First = now.Add(-l.back)
		next := &s[level+1]
		*next = progress{Copied: earlier(next.Copied, p.Copied), Steps: next.Steps}
	}
	return true
}

// bound returns the time up to which the jobs' folders are left to the next level: the level's last
// scan that has begun left those of older jobs out, or its next one will.
func (s *scans) bound(level int) time.Time {
	p := s[level]
	if p.Began.IsZero() {
		return p.Copied.Add(-levels[level].back)
	}
	return p.Began.Add(-levels[level].back)
}

// end ends a level's scan, which is complete.
func (s *scans) end(level int) {
	s[level] = progress{Copied: s[level].Began, Steps: s[level].Steps}
}

// recentDone reports whether no scan is in progress of folders whose jobs may be unfinished.
func (s *scans) recentDone() bool {
	for _, p := range s[:older] {
		if !p.Began.IsZero() {
			return false
		}
	}
	return true
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

package datasync

import (
	"cmp"
	"context"
	"path"
	"slices"
	"time"
)

// ageRanges say how often a step scans the folders of jobs of an age. Most jobs are painted soon
// after their submission, and for a job that has waited for long some minutes more matter less.
// Under load each second has three folders, and each folder takes a call of the file server. A scan
// of a range includes the younger ranges; each range has its own progress.
var ageRanges = [...]struct{ back, every time.Duration }{
	{15 * time.Minute, 0}, // at each step
	{2 * time.Hour, 5 * time.Minute},
	{25 * time.Hour, time.Hour}, // the maximum age of a job at its first outcome
}

const (
	// passEvery is the time between two passes through the older folders, into which late retries
	// publish.
	passEvery = time.Hour
	// longPassEvery is the same if a pass takes more than one step.
	longPassEvery = 24 * time.Hour
	// scanTime limits the scans of a step. After passTime a step scans no further day of the older
	// folders. The next step continues. They fit into a function's five minutes.
	scanTime, passTime = 90 * time.Second, 10 * time.Second
	// overlap is how long before the last scan a change still counts as new: a picture gets its
	// name a moment after the folder's time was read, and file systems have coarse clocks.
	overlap = 2 * time.Second
	// maxComparisons is the number of folders that are compared with the bucket at the same time.
	// After batchSize folders the progress of a scan is recorded.
	maxComparisons, batchSize = 16, 256
)

// findings are what a step has found in the published folders.
type findings struct {
	changed    bool      // a folder has changed since the last scan, or an earlier scan was continued
	names      []string  // pictures that are not in the bucket
	scanned    int       // index of the oldest scanned range of ageRanges; -1 if there is none
	scanBegan  time.Time // start of that scan
	scannedOld bool      // some of the older folders were scanned
	passDone   bool      // and with them the pass is complete
}

// findNew compares with the bucket the folders that have changed since all their pictures were
// copied. It stops when its time is over, and records its progress in s. A folder that can't be
// compared does not stop it.
func (c *Copier) findNew(ctx context.Context, s *state, now time.Time) (n findings, err error) {
	scanCtx, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	n.scanned = -1
	if err = c.scanRecent(scanCtx, &n, s, now); scanCtx.Err() == nil && !isUnavailable(err) {
		err = cmp.Or(err, c.scanOld(scanCtx, &n, s, now))
	}
	if ctx.Err() == nil && scanCtx.Err() != nil {
		err = nil // what was found is copied, and the next step continues
	}
	return n, err
}

// scanRecent scans the ranges that are due, folders of the youngest jobs first, or continues such a
// scan.
func (c *Copier) scanRecent(ctx context.Context, n *findings, s *state, now time.Time) error {
	l := &s.Scan
	n.changed = !l.Began.IsZero()
	if l.Began.IsZero() {
		*l = scan{Began: now}
		for i := range ageRanges {
			if now.Sub(s.Copied[i]) >= ageRanges[i].every {
				l.Range = i
			}
		}
	}
	oldest := min(max(l.Range, 0), len(ageRanges)-1)
	var last time.Time // no limit
	for i := range oldest + 1 {
		// Begin where the previous scan of this range began. Folders that have become too old for
		// the range since were not scanned again.
		first := l.Began
		if !s.Copied[i].IsZero() {
			first = s.Copied[i]
		}
		first = first.Add(-ageRanges[i].back)
		if i >= l.DoneRanges {
			err := c.compareFolders(ctx, n, first, last, s.Copied[i], &l.LastFolder)
			if err != nil && ctx.Err() == nil {
				*l = scan{} // the next step starts over
			}
			if err != nil {
				return err
			}
			// The folder of an hour may be in two ranges, because of the finer folders in it, so
			// each range starts over.
			l.DoneRanges, l.LastFolder = i+1, ""
		}
		last = first
		n.scanned, n.scanBegan = i, l.Began
	}
	*l = scan{}
	return nil
}

// scanOld scans, if a pass is due, the folders that are too old for ageRanges, one day after
// another. A folder that can't be compared is left to the next full execution, or until it changes.
func (c *Copier) scanOld(ctx context.Context, n *findings, s *state, now time.Time) error {
	p, every := &s.Pass, passEvery
	if p.Steps > 1 {
		every = longPassEvery
	}
	if p.Began.IsZero() {
		if now.Sub(s.CopiedOld) < every {
			return nil
		}
		*p = pass{Began: now}
	}
	n.scannedOld = true
	p.Steps++
	hours, err := c.Store.PublishedHours(false)
	if err != nil {
		return err
	}
	var failed error
	end := p.Began.Add(-ageRanges[len(ageRanges)-1].back).Add(time.Hour) // one hour more, because it is within an hour
	for began := time.Now(); len(hours) > 0; {
		day := path.Dir(hours[0])
		hours = slices.DeleteFunc(hours, func(hour string) bool { return path.Dir(hour) == day })
		first, err := time.Parse("2006/01/02", day)
		if err != nil || day <= p.LastDay {
			continue
		}
		if !first.Before(end) {
			break
		}
		if time.Since(began) > passTime {
			return failed // the next step continues
		}
		last := first.Add(24 * time.Hour)
		if last.After(end) {
			last = end
		}
		err = c.compareFolders(ctx, n, first, last, s.CopiedOld, &p.LastFolder)
		if ctx.Err() != nil || isUnavailable(err) {
			return err
		}
		failed = cmp.Or(failed, err)
		p.LastDay, p.LastFolder = day, ""
	}
	n.passDone = true
	return failed
}

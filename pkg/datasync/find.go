package datasync

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

const (
	// scanTime is how long a step scans. Each level takes half of what is left, and at least one
	// batch of folders, so that all levels go on. The next step continues.
	scanTime = 90 * time.Second
	// overlap is how long before the last scan a change still counts as new: a picture gets its
	// name a moment after the folder's time was read, and file systems have coarse clocks.
	overlap = 2 * time.Second
	// batchSize is about how many folders are compared before the progress can be recorded.
	batchSize = 256
	// maxUnread is the number of folders that may be unreadable while scans go on.
	maxUnread = 100
)

// errManyUnread means that more than maxUnread folders could not be compared.
var errManyUnread = errors.New("too many folders can't be read; the scan waits until they can")

// findings are what a step has found in the published folders.
type findings struct {
	names   []string // pictures that are not in the bucket
	next    scans    // the progress, once the names are copied
	unread  []string // folders that could not be compared; they are tried again at each step
	changed bool     // something must be recorded
}

// find compares with the bucket the folders that have changed since all their pictures were copied.
// It stops when its time is over, or when it has found as many pictures as one execution copies. A
// folder that can't be compared does not stop it; find returns the gravest error.
func (c *Copier) find(ctx context.Context, s *state, now time.Time) (findings, error) {
	began := time.Now()
	budget := c.scanTime
	if end, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(end)/2)
	}
	n := findings{next: s.Scans}
	names, unread, failed := c.compareUnread(ctx, s.Unread, began.Add(budget/2))
	n.add(s, names)
	n.unread, n.changed = unread, len(unread) != len(s.Unread)
	for level := range levels {
		if isUnavailable(failed) || ctx.Err() != nil || len(n.names) >= c.maxNames {
			break
		}
		share := budget - time.Since(began)
		if level < full {
			share /= 2
		}
		failed = graver(failed, c.scan(ctx, &n, s, level, now, time.Now().Add(share)))
	}
	slices.Sort(n.names)
	n.names = slices.Compact(n.names) // a manifest must not have a name twice
	return n, failed
}

// add adds names that are missing in the bucket, without those that are put aside.
func (n *findings) add(s *state, names []string) {
	for _, name := range names {
		if !slices.ContainsFunc(s.Aside, func(a aside) bool { return a.Name == name }) {
			n.names = append(n.names, name)
		}
	}
}

// scan begins or continues the scan of a level until a time.
func (c *Copier) scan(ctx context.Context, n *findings, s *state, level int, now, until time.Time) (failed error) {
	if !n.next.begin(level, now) {
		return nil
	}
	p := &n.next[level]
	p.Steps++
	n.changed = n.changed || level > 0
	since := p.Copied.Add(-overlap)
	if level == full {
		since = time.Time{}
	}
	for {
		at := p.At
		if at.IsZero() {
			at = p.Last
		}
		folders, unlisted, next, err := c.Store.ChangedFolders(ctx, p.First, at, since, batchSize)
		if err != nil {
			return err
		}
		compare := c.compareEach
		if level == full {
			compare = func(ctx context.Context, folders []string) ([]string, []string, error) {
				return c.compareAll(ctx, folders, next, at)
			}
		}
		names, unread, err := compare(ctx, folders)
		if errors.Is(err, errUnfinished) {
			n.changed = true
			return failed // the next step continues with the batch
		}
		if ctx.Err() != nil || isUnavailable(err) {
			return err // the next step tries the batch again
		}
		unread = union(n.unread, union(unread, unlisted)) // a folder may have been unreadable before
		if len(unread) > maxUnread {
			return errors.Join(errManyUnread, err) // likewise
		}
		n.add(s, names)
		n.unread = unread
		n.changed = n.changed || len(folders) > 0
		failed = graver(failed, err)
		if next.IsZero() {
			n.next.end(level)
			return failed
		}
		p.At, n.changed = next, true
		if !time.Now().Before(until) || len(n.names) >= c.maxNames {
			return failed
		}
	}
}

// union returns the names in either list, sorted.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// isUnavailable reports whether an error concerns all folders.
func isUnavailable(err error) bool {
	return isBucketError(err) || errors.Is(err, job.ErrStoreUnavailable)
}

package sweeper

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// entriesPerStep is about how many jobs are checked together before their folders count as done. It
// may be exceeded by one folder, because a folder may have one job or thousands.
const entriesPerStep = 1000

// halfTime returns a context with half of the time that ctx has left. The rest is for the work that
// follows from the first half.
func halfTime(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// A folderEntry is an entry with its folder.
type folderEntry struct {
	store.Entry
	in string
}

// jobCursor returns the cursor with which a sweep continues after this job, within its folder. It
// sorts after the folder's position and before those of later folders.
func (e folderEntry) jobCursor() string { return e.in + "/" + string(e.ID) }

// afterCursor reports whether a folder has jobs after a cursor: a folder's position or a jobCursor.
func afterCursor(f store.ActiveFolder, cursor string) bool {
	return f.Position() > cursor || strings.HasPrefix(cursor, f.Position()+"/")
}

// checkFolders checks the jobs after a cursor in folders, in the order of the folders, and adds
// what it finds to r. It skips folders that r has counted already. It stops when ctx ends, when the
// store is not available, or, unless limit is 0, when limit jobs are checked. It returns the number
// of folders that are done.
func (s *Sweeper) checkFolders(ctx context.Context, folders []store.ActiveFolder, cursor string, limit int, now time.Time, r *findings) (done int) {
	seen := 0
	for some := range slices.Chunk(folders, concurrency) {
		lists := s.listUnchecked(ctx, some, cursor, r)
		var entries []folderEntry
		first := 0 // index of the entries' first folder
		for i, f := range some {
			if entries = append(entries, lists[f.Position()]...); len(entries) < entriesPerStep && i < len(some)-1 {
				continue
			}
			if !s.checkEntries(ctx, some[first:i+1], entries, now, r) {
				return done
			}
			done += i + 1 - first
			if seen += len(entries); limit > 0 && seen >= limit {
				return done
			}
			entries, first = entries[:0], i+1
		}
	}
	return done
}

// listUnchecked lists the jobs after a cursor in those folders that r has not counted yet, until
// ctx ends. It returns the entries by the folder's position.
func (s *Sweeper) listUnchecked(ctx context.Context, folders []store.ActiveFolder, cursor string, r *findings) map[string][]folderEntry {
	lists := map[string][]folderEntry{}
	forEach(ctx, folders, func(f store.ActiveFolder) {
		in := f.Position()
		if _, checked := r.counted[in]; checked {
			return
		}
		entries, err := s.Store.ActiveIn(f)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.errs.add(err)
		for _, e := range entries {
			if e := (folderEntry{e, in}); e.jobCursor() > cursor {
				lists[in] = append(lists[in], e)
			}
		}
	})
	return lists
}

// checkEntries checks all entries of some folders, and counts the folders in r. If ctx ends or the
// store becomes unavailable before that, it returns false, and r.stopped has what was checked.
func (s *Sweeper) checkEntries(ctx context.Context, in []store.ActiveFolder, entries []folderEntry, now time.Time, r *findings) bool {
	var mu sync.Mutex
	counted := map[string]jobCount{}
	checked := forEach(ctx, entries, func(e folderEntry) {
		n := s.checkJob(e.Entry, now, r)
		mu.Lock()
		defer mu.Unlock()
		counted[e.in] = counted[e.in].plus(n)
	})
	if ctx.Err() != nil || r.errs.storeUnavailable {
		r.stopped = stoppedCheck{}
		if checked > 0 && !r.errs.storeUnavailable {
			r.stopped.cursor = entries[checked-1].jobCursor()
		}
		for _, n := range counted {
			r.stopped.jobCount = r.stopped.plus(n)
		}
		return false
	}
	for _, f := range in {
		if _, checked := r.counted[f.Position()]; !checked {
			r.counted[f.Position()] = counted[f.Position()]
		}
	}
	return true
}

// forEach calls do for items in their order, up to concurrency at the same time, until ctx ends. It
// returns when all calls have returned, with their number.
func forEach[T any](ctx context.Context, items []T, do func(T)) (called int) {
	slots := make(chan struct{}, concurrency)
	var all sync.WaitGroup
	for _, item := range items {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		all.Go(func() { defer func() { <-slots }(); do(item) })
		called++
	}
	all.Wait()
	return called
}

package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Reconcile compares the folders of the hours that were over at the time before with the indexes.
// It repairs what dead processes have left: drafts, erased folders that are not marked, jobs that
// are missing in an index, and index entries without a job. A leftover is removed only if it is
// older than stale; now is by the file server's clock. Count is the number of repairs. after and
// the errors are as in [Store.Expire], but After may also be a job within a folder, and at the end
// of a pass it is kept, so the next pass begins with the hours that are over since.
//
// In folders of hours that ended more than a day ago, when nearly all jobs have ended, it also
// removes what workers have left or published too late, and the names that have counted erased jobs
// as submissions. It costs a call or two for each owner with jobs in a minute, two for each folder,
// and two for each job. In the old folders it costs eight calls for each folder and four for each
// job.
func (s *Store) Reconcile(ctx context.Context, after string, before, now time.Time, stale time.Duration) (p Progress, err error) {
	p.After = after
	owners, err := s.list(filepath.Join(s.dir, ownersDir))
	if err != nil {
		return p, fmt.Errorf("reconcile: %w", err)
	}
	index := ownersIndex{Store: s, all: owners}
	var failed failures
	begun, last, _ := strings.Cut(after, withinFolder)
	err = s.visitFolders(ctx, jobsDir, span{after, before}, func(folder string) error {
		r := reconciliation{Store: s, folder: folder, now: now, stale: stale, traces: map[job.ID]*traces{}}
		r.late = now.Sub(startOf(folder[:len(hourForm)])) > day+2*time.Hour
		if folder == begun {
			r.after = job.ID(last)
		}
		err := r.run(ctx, &index, func(last job.ID) { p.After = folder + withinFolder + string(last) })
		p.Count += int(r.repaired.Load())
		if mustStop(ctx, err) {
			return cmp.Or(err, ctx.Err())
		}
		failed.add(err)
		p.After = folder
		return nil
	})
	p.Done = err == nil // p.After is kept: the next reconciliation begins after it
	if err = errors.Join(err, failed.err); err != nil {
		return p, fmt.Errorf("reconcile: %w", err)
	}
	return p, nil
}

// withinFolder separates the folder and the last job in the [Progress] of a task that has stopped
// within a folder. With it the text sorts after the finer folders and before the folder itself, so
// [Store.visitFolders] continues with the folder: see sortKey.
const withinFolder = "/~"

// reconciledTogether is how many jobs are reconciled between two points at which a reconciliation
// can stop.
const reconciledTogether = 64

// A reconciliation is the state of reconciling one folder.
type reconciliation struct {
	*Store
	folder   string
	after    job.ID // only jobs after this one; "" is all
	now      time.Time
	stale    time.Duration
	late     bool // the hour ended so long ago that nearly all jobs have ended
	repaired atomic.Int64

	// traces has all jobs of the folder. Their number is bounded: see grain.go.
	traces map[job.ID]*traces

	mu          sync.Mutex
	unpublished []string // names in published/ whose copies are still to be removed
}

// traces are the names that a folder and the indexes have of a job.
type traces struct {
	there     bool     // its folder is in its place
	leftovers []string // the prefixes of its folders that are elsewhere
	indexed   []string // paths in the owners' index
	erased    []string // paths in that index by which it counts as a submission although it was erased
	published []string // names in published/; only if late
}

// of returns the traces of a job.
func (r *reconciliation) of(id job.ID) *traces {
	t := r.traces[id]
	if t == nil {
		t = new(traces)
		r.traces[id] = t
	}
	return t
}

// run reconciles the folder, and calls done with the last job of each part that is done.
func (r *reconciliation) run(ctx context.Context, index *ownersIndex, done func(last job.ID)) error {
	finer, err := r.listJobs()
	if err == nil && r.late {
		err = r.listPublished()
	}
	if err != nil {
		return err
	}
	var failed failures
	names, err := index.namesOf(r.folder, finer)
	failed.add(err)
	for _, name := range names {
		if t := r.of(name.id); name.erased {
			t.erased = append(t.erased, name.path)
		} else {
			t.indexed = append(t.indexed, name.path)
		}
	}
	ids := slices.Sorted(maps.Keys(r.traces))
	ids = slices.DeleteFunc(ids, func(id job.ID) bool { return id <= r.after })
	for some := range slices.Chunk(ids, reconciledTogether) {
		var calls []func() error
		for _, id := range some {
			calls = append(calls, func() error {
				if ctx.Err() != nil {
					return ctx.Err()
				}
				return r.reconcileJob(id, r.traces[id])
			})
		}
		failed.add(runAll(calls))
		failed.add(r.removeCopies(r.unpublished))
		r.unpublished = nil
		if mustStop(ctx, failed.err) {
			return failed.err
		}
		done(some[len(some)-1])
	}
	if r.late {
		failed.add(index.removeDrained(r.folder))
	}
	return failed.err
}

// listJobs lists the folder, and returns the finer folders in it.
func (r *reconciliation) listJobs() (finer map[string]bool, err error) {
	names, err := r.list(filepath.Join(r.dir, jobsDir, r.folder))
	finer = map[string]bool{}
	for _, name := range names {
		prefix, id, ok := parseJobFolder(r.folder, name)
		switch {
		case !ok: // a finer folder, or not a name of the store
			finer[filepath.Join(r.folder, name)] = true
		case prefix == "":
			r.of(id).there = true
		default:
			t := r.of(id)
			t.leftovers = append(t.leftovers, prefix)
		}
	}
	return finer, err
}

// listPublished lists what is published of the folder's jobs.
func (r *reconciliation) listPublished() error {
	kinds := []string{publicDir, thumbsDir, privateDir}
	found := make([][]string, len(kinds))
	var calls []func() error
	for i, kind := range kinds {
		calls = append(calls, func() (err error) {
			found[i], err = r.PublishedIn(path.Join(kind, filepath.ToSlash(r.folder)))
			return err
		})
	}
	err := concurrently(calls...)
	for _, name := range slices.Concat(found...) {
		if _, id, _, ok := ParsePublished(name); ok {
			t := r.of(id)
			t.published = append(t.published, name)
		}
	}
	return err
}

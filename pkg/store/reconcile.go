package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Reconcile compares the folders of jobs that were made before a given time with the indexes,
// beginning after the folder after. It repairs what processes have left that died: drafts, erased
// folders, jobs that are in no index, and index entries without a job. Count is the number of
// repairs. An error does not stop it; it returns one of the errors.
//
// In folders of hours that ended more than a day ago, when nearly all jobs have ended, it also
// removes what workers have left or published too late, and the names that have counted erased jobs
// as submissions. It costs a call or two for each owner with jobs in a minute, two for each folder
// and two for each job; in the old folders six and four.
func (s *Store) Reconcile(ctx context.Context, after string, before, now time.Time, stale time.Duration) (p Progress, err error) {
	p.After = after
	all, err := s.list(filepath.Join(s.dir, ownersDir))
	if err != nil {
		return p, fmt.Errorf("reconcile: %w", err)
	}
	index := ownersIndex{Store: s, all: all}
	var failed failures
	var folders []string
	err = s.visitFolders(ctx, jobsDir, span{after, before}, func(folder string) error {
		folders = append(folders, folder)
		if depthOf(folder) == secondDepth {
			return nil // reconciled together with its minute: see indexFolder
		}
		r := reconciliation{Store: s, folder: folder, folders: folders, now: now, stale: stale}
		r.late = now.Sub(startOf(folder[:len(hourForm)])) > day+2*time.Hour
		folders = nil
		err := r.run(ctx, &index)
		p.Count += int(r.repaired.Load())
		if mustStop(ctx, err) {
			return cmp.Or(err, ctx.Err())
		}
		failed.add(err)
		p.After = folder
		return nil
	})
	p.Done = err == nil // the next reconciliation begins after it
	if err = errors.Join(err, failed.err); err != nil {
		return p, fmt.Errorf("reconcile: %w", err)
	}
	return p, nil
}

// An ownersIndex returns the owners that may have jobs in a minute, by the folders that each has in
// the owners' index. Without it each owner's folder would be listed for each minute.
type ownersIndex struct {
	*Store
	all      []string
	hour     string
	byMinute map[string][]string // of that hour
}

// owners returns the owners that may have jobs in a folder. With an error it returns those that
// could be read.
func (x *ownersIndex) owners(folder string) (owners []string, err error) {
	if depthOf(folder) <= hourDepth {
		return x.all, nil
	}
	if hour := folder[:len(hourForm)]; x.hour != hour {
		found := make([][]string, len(x.all))
		var calls []func() error
		for i, owner := range x.all {
			calls = append(calls, func() (err error) {
				found[i], err = x.timeFolders(filepath.Join(x.dir, ownersDir, owner), hour, time.Now())
				return err
			})
		}
		err = runAll(calls)
		x.hour, x.byMinute = hour, map[string][]string{}
		for i, owner := range x.all {
			for _, minute := range found[i] {
				x.byMinute[minute] = append(x.byMinute[minute], owner)
			}
		}
	}
	return x.byMinute[folder], err
}

// A reconciliation is that of an hour's folder, or of a minute's folder with those of its seconds.
type reconciliation struct {
	*Store
	folder   string   // the folder
	folders  []string // that folder, and those of its seconds
	now      time.Time
	stale    time.Duration
	late     bool // nearly all jobs have ended
	repaired atomic.Int64
	failed   failures // errors that stop nothing else

	mu        sync.Mutex // guards the fields below while they are filled
	jobs      map[job.ID]bool
	indexed   map[job.ID]bool // in the owners' index
	published map[string]bool // names in published/; only if late
	repairs   []func() error  // repairs of the index
	empty     []string        // folders of the index to remove after its repairs
}

func (r *reconciliation) run(ctx context.Context, index *ownersIndex) error {
	r.jobs, r.indexed, r.published = map[job.ID]bool{}, map[job.ID]bool{}, map[string]bool{}
	var calls []func() error
	for _, folder := range r.folders {
		calls = append(calls, func() error { return r.listFolder(folder) })
	}
	if err := runAll(calls); err != nil {
		return err
	}
	owners, err := index.owners(r.folder)
	r.failed.add(err)
	r.compareIndex(owners)
	calls = nil
	for id := range r.jobs {
		calls = append(calls, func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return r.checkJob(id)
		})
	}
	r.failed.add(runAll(calls))
	r.failed.add(r.unpublishMissing())
	return r.failed.err
}

// listFolder lists the jobs of a folder and, if late, what is published of them, and removes
// leftovers.
func (r *reconciliation) listFolder(folder string) error {
	names, err := r.list(filepath.Join(r.dir, jobsDir, folder))
	if err != nil {
		return err
	}
	for _, name := range names {
		prefix, id, ok := parseJobFolder(folder, name)
		switch {
		case !ok: // not a name of the store
		case prefix == "":
			r.mu.Lock()
			r.jobs[id] = true
			r.mu.Unlock()
		default:
			r.failed.add(r.removeLeftoverFolder(prefix, id))
		}
	}
	for _, kind := range []string{publicDir, thumbsDir, privateDir} {
		if !r.late {
			break
		}
		names, err := r.PublishedIn(path.Join(kind, filepath.ToSlash(folder)))
		if err != nil {
			return err
		}
		r.mu.Lock()
		for _, name := range names {
			r.published[name] = true
		}
		r.mu.Unlock()
	}
	return nil
}

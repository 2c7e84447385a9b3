package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Progress is how far a task of housekeeping has come in a tree of folders.
type Progress struct {
	After string // the last folder that is done; "" if none is, or all are
	Done  bool   // all are
	Count int    // of what was done
}

// Expire removes finished jobs that ended before a time, the oldest folders first, from the one behind after on.
// A job that can't be read or removed does not stop it: of such errors it returns one. When
// ctx ends it stops between some jobs. What it has begun by then the next call completes that comes to the folder.
//
// Of jobs that expire nothing is left, no tombstone either: see [Store.Unknown].
func (s *Store) Expire(ctx context.Context, before time.Time, after string) (Progress, error) {
	x := expiry{Store: s, before: before, progress: Progress{After: after}}
	if err := x.run(ctx); err != nil {
		return x.progress, fmt.Errorf("apply the retention: %w", err)
	}
	return x.progress, nil
}

const (
	// expiring is how many jobs of a folder expire together. Whoever has copies removes theirs at once.
	expiring = 64
	// expiringFolders is how many folders are worked on at the same time: an NFS client makes one change in a folder at
	// a time, and each job is two of that which it is in.
	expiringFolders = 4
)

// An expiry is one call of Expire.
type expiry struct {
	*Store
	before   time.Time
	now      time.Time // by the file server's clock
	progress Progress
	batch    []string // folders that are to be worked on at the same time
	failed   failures // of jobs and folders
}

func (x *expiry) run(ctx context.Context) (err error) {
	if x.now, err = x.Store.now(); err != nil {
		return err
	}
	noted := x.setHorizon(x.before)
	if noted != nil && !isFull(noted) {
		return noted
	}
	err = x.folders(ctx, jobsDir, span{x.progress.After, x.before}, func(folder string) error {
		inIt := func(other string) bool { return strings.HasPrefix(other, folder+"/") }
		if len(x.batch) == expiringFolders || slices.ContainsFunc(x.batch, inIt) {
			if err := x.work(ctx); err != nil {
				return err
			}
		}
		x.batch = append(x.batch, folder)
		return nil
	})
	if err == nil {
		err = x.work(ctx)
	}
	if err == nil {
		x.progress.After, x.progress.Done = "", true
	}
	if noted != nil { // there is more room now
		x.failed.add(x.setHorizon(x.before))
	}
	return errors.Join(err, x.failed.one)
}

// work works on the folders of the batch.
func (x *expiry) work(ctx context.Context) error {
	counts, errs := make([]int, len(x.batch)), make([]error, len(x.batch))
	var calls []func() error
	for i, folder := range x.batch {
		calls = append(calls, func() error { counts[i], errs[i] = x.folder(ctx, folder); return nil })
	}
	_ = together(calls...) // each has its own error
	for _, n := range counts {
		x.progress.Count += n
	}
	for i, folder := range x.batch {
		if stops(ctx, errs[i]) {
			return cmp.Or(errs[i], ctx.Err())
		}
		x.failed.add(errs[i])
		x.progress.After = folder
	}
	x.batch = nil
	return nil
}

// folder expires what is to expire in a folder, and ends what processes have left there that died. It returns how many
// jobs it has removed, and one of the errors of those that it has not.
func (x *expiry) folder(ctx context.Context, folder string) (expired int, err error) {
	names, err := x.list(filepath.Join(x.dir, jobsDir, folder))
	if err != nil {
		return 0, err
	}
	var failed failures
	var ids []job.ID
	inGrave := map[job.ID]bool{}
	for _, name := range names {
		prefix, id, ok := jobFolder(folder, name)
		switch {
		case !ok: // nothing of ours
		case prefix == draftPrefix, prefix == awayPrefix:
			_, err := x.endLeftover(prefix, id, x.now, settle)
			failed.add(err)
		default:
			inGrave[id] = inGrave[id] || prefix == gravePrefix
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	index := map[string]bool{} // the folders of the owners' index that these jobs were in
	for some := range slices.Chunk(slices.Compact(ids), expiring) {
		n, err := x.expire(ctx, some, inGrave, index)
		expired += n
		if stops(ctx, err) {
			return expired, cmp.Or(err, ctx.Err())
		}
		failed.add(err)
	}
	failed.add(x.removeFolders(folder, index, expired == len(names)))
	return expired, failed.one
}

// expire expires jobs of a folder, some at a time, and removes their copies together. It notes the folders of the owners'
// index that they were in.
func (x *expiry) expire(ctx context.Context, ids []job.ID, inGrave map[job.ID]bool, index map[string]bool) (int, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	dug := make([]graves, len(ids))
	var calls []func() error
	for i, id := range ids {
		calls = append(calls, func() error {
			if err := x.condemn(&dug[i], id, inGrave[id]); err != nil {
				return fmt.Errorf("job %s: %w", id, err)
			}
			return nil
		})
	}
	err := regardless(calls)
	var g graves
	for _, one := range dug {
		g.jobs = append(g.jobs, one.jobs...)
	}
	for _, j := range g.jobs {
		if j.index != "" {
			index[j.index] = true
		}
	}
	n, ferr := x.fill(ctx, &g)
	return n, errors.Join(err, ferr)
}

// condemn puts a job among g whose retention is over, or that others have begun to expire.
//
// Whoever finds a job in its grave decides alike, since nothing comes into a grave: where the input is, all is, and a job
// that was retried in the last moment goes back. Who removes the input has decided that it goes.
func (x *expiry) condemn(g *graves, id job.ID, inGrave bool) error {
	run, damaged := 0, false
	if !inGrave {
		var over bool
		var err error
		if run, over, damaged, err = x.over(id); err != nil || !over {
			return err
		}
		if moved, err := x.toGrave(id); err != nil || !moved {
			return err // others are at it
		}
	}
	for range quarrels {
		names, err := x.list(x.graveDir(id))
		if err != nil {
			return err
		}
		if len(names) == 0 { // others were, and the folder may be left
			return x.removeEmpty(x.graveDir(id))
		}
		if slices.Contains(names, inputFile) {
			var l life
			if l.read(names); !damaged && (!l.ended || run != 0 && l.run != run) {
				return x.restore(id)
			}
			removed, err := x.unlink(filepath.Join(x.graveDir(id), inputFile))
			if err != nil {
				return err
			}
			if !removed {
				continue // others did, or have put the job back
			}
		}
		return x.bury(g, id, "")
	}
	return fmt.Errorf("%w: others keep moving it", job.ErrBusy)
}

// over reports whether a job's retention is over, and by which run. A damaged one's is, since the job was made before that
// time, and nobody can say more of it. One that is not finished is to be in active/, whatever has become of its entry.
func (x *expiry) over(id job.ID) (run int, over, damaged bool, err error) {
	r, err := x.current(id)
	switch {
	case errors.Is(err, job.ErrGone), errors.Is(err, job.ErrNotFound):
		return 0, false, false, nil
	case errors.Is(err, errUnreadable):
		return 0, true, true, nil
	case err != nil:
		return 0, false, false, err
	case !r.State.Finished():
		err = x.ensureActive(id)
		return 0, false, false, err
	}
	return r.Run, r.FinishedAt != nil && r.FinishedAt.Before(x.before), false, nil
}

// restore gives a job back its place whose retention turned out not to be over, unless it is being erased, and its entry in
// active/, which whoever has checked on it meanwhile may have removed.
func (s *Store) restore(id job.ID) error {
	begun, err := s.exists(s.erasing(id, Erased))
	if err != nil || begun {
		return err
	}
	if err := s.rename(s.graveDir(id), s.jobDir(id)); err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	err = s.ensureActive(id)
	return err
}

// removeFolders removes a folder and those of its time in the indexes where they are empty. nothing: there is no job in it
// any more, and so what is published there is a late worker's.
func (x *expiry) removeFolders(folder string, index map[string]bool, nothing bool) error {
	var calls []func() error
	for dir := range index {
		calls = append(calls, func() error { return x.removeEmptyUp(dir) })
	}
	for _, kind := range []string{publicDir, thumbsDir, privateDir} {
		calls = append(calls, func() error {
			in := path.Join(kind, filepath.ToSlash(folder))
			if nothing {
				if err := x.unpublishFolder(in); err != nil {
					return err
				}
			}
			return x.removeEmptyUp(filepath.Join(x.PublishedDir(), in))
		})
	}
	err := regardless(calls)
	// Reconcile goes by this folder when it removes what counts erased jobs as submissions.
	if err == nil && x.now.Sub(startOf(folder[:len(hourForm)])) > 2*day {
		err = x.removeEmpty(filepath.Join(x.dir, jobsDir, folder))
	}
	return err
}

// unpublishFolder removes all that is published in a folder.
func (s *Store) unpublishFolder(folder string) error {
	names, err := s.PublishedIn(folder)
	for _, name := range names {
		if err == nil {
			err = s.remove(filepath.Join(s.PublishedDir(), name))
		}
	}
	if err == nil {
		err = s.unpublished(names)
	}
	return err
}

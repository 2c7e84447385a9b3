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

// Progress is how far a task has come.
type Progress struct {
	After string // for the next call: the last folder, or in some tasks the last job or mark, that is done; "" is from the start
	Done  bool   // the whole tree is done
	Count int    // files or jobs that this call has removed or repaired
}

// Expire removes finished jobs that ended before a given time, the oldest folders first. It removes
// at most 300 jobs a second, evenly.
//
// It begins with the folder that follows after, the After of the last call; "" is the first one. A
// job or folder that can't be read or removed does not stop it: it returns one of the errors when
// it has come to the end. It stops earlier when ctx ends, between jobs, or when the store is not
// available. The next call that comes to the folder completes what was begun.
//
// An expired job leaves nothing, not even a tombstone: see [Store.Unknown].
func (s *Store) Expire(ctx context.Context, before time.Time, after string) (Progress, error) {
	x := expiry{
		Store: s, before: before, progress: Progress{After: after},
		pace: newPace(stepsOfExpiry*retentionRate, maxExpiring),
	}
	if err := x.run(ctx); err != nil {
		return x.progress, fmt.Errorf("apply the retention: %w", err)
	}
	return x.progress, nil
}

const (
	// maxTogether is how many jobs of a folder expire, or are erased, together: their copies are
	// removed in one call.
	maxTogether = 64
	// maxFolders is how many folders are worked on at the same time. An NFS client makes only one
	// change in a folder at a time, and each job needs two in its folder.
	maxFolders = 4
	// retentionRate is how many jobs a second are removed at most. Ten million jobs a day are 116 a
	// second; the rest is for catching up. Without a limit, submissions wait much longer: DESIGN.md
	// of pkg/sweeper has the measurement.
	retentionRate = 300
	// stepsOfExpiry is the number of steps in which a job is removed: one before its copies are
	// removed, and one after.
	stepsOfExpiry = 2
	// maxExpiring is how many such steps are under way at the same time. It lowers the rate only if
	// a step takes more than 80 ms.
	maxExpiring = 48
)

// An expiry is one call of Expire.
type expiry struct {
	*Store
	before   time.Time
	now      time.Time // by the file server's clock
	progress Progress
	pace     *pace    // for the steps of all jobs
	batch    []string // folders to be worked on at the same time
	failed   failures // of jobs and folders
}

func (x *expiry) run(ctx context.Context) (err error) {
	if x.now, err = x.serverNow(); err != nil {
		return err
	}
	noted := x.setHorizon(x.before)
	if noted != nil && !isFull(noted) {
		return noted
	}
	err = x.visitFolders(ctx, jobsDir, span{x.progress.After, x.before}, func(folder string) error {
		inIt := func(other string) bool { return strings.HasPrefix(other, folder+"/") }
		if len(x.batch) == maxFolders || slices.ContainsFunc(x.batch, inIt) {
			if err := x.expireBatch(ctx); err != nil {
				return err
			}
		}
		x.batch = append(x.batch, folder)
		return nil
	})
	if err == nil {
		err = x.expireBatch(ctx)
	}
	if err == nil {
		x.progress.After, x.progress.Done = "", true
	}
	if noted != nil { // the disk was full; there is more space now
		x.failed.add(x.setHorizon(x.before))
	}
	if err != nil && err == ctx.Err() && x.failed.err != nil { //nolint:errorlint // that very error
		return x.failed.err // callers ignore the error of ctx, which Done shows too, but must not ignore this one
	}
	return errors.Join(err, x.failed.err)
}

// expireBatch expires the jobs in the folders of the batch.
func (x *expiry) expireBatch(ctx context.Context) error {
	counts, errs := make([]int, len(x.batch)), make([]error, len(x.batch))
	var calls []func() error
	for i, folder := range x.batch {
		calls = append(calls, func() error { counts[i], errs[i] = x.expireFolder(ctx, folder); return nil })
	}
	_ = concurrently(calls...) // each has its own error
	for _, n := range counts {
		x.progress.Count += n
	}
	for i, folder := range x.batch {
		if mustStop(ctx, errs[i]) {
			return cmp.Or(errs[i], ctx.Err())
		}
		x.failed.add(errs[i])
		x.progress.After = folder
	}
	x.batch = nil
	return nil
}

// expireFolder expires jobs in a folder, and removes what dead processes have left there. It
// returns the number of jobs that it has removed, and one of the errors.
func (x *expiry) expireFolder(ctx context.Context, folder string) (expired int, err error) {
	names, err := x.list(filepath.Join(x.dir, jobsDir, folder))
	if err != nil {
		return 0, err
	}
	var failed failures
	var ids []job.ID
	erased := map[job.ID]bool{}
	for _, name := range names {
		prefix, id, ok := parseJobFolder(folder, name)
		switch {
		case !ok: // not a name of the store
		case prefix == draftPrefix, prefix == discardedPrefix:
			_, err := x.removeStaleLeftover(prefix, id, x.now, clockTolerance)
			failed.add(err)
		default:
			erased[id] = erased[id] || prefix == erasedPrefix
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	index := map[string]bool{} // the folders of the owners' index that have these jobs
	for some := range slices.Chunk(slices.Compact(ids), maxTogether) {
		n, err := x.expireJobs(ctx, some, erased, index)
		expired += n
		if mustStop(ctx, err) {
			return expired, cmp.Or(err, ctx.Err())
		}
		failed.add(err)
	}
	failed.add(x.removeFolders(folder, index, expired == len(names)))
	return expired, failed.err
}

// expireJobs expires some jobs of a folder, and removes their copies together. It adds to index
// their folders in the owners' index. It returns the number of jobs that it has removed, and one of
// the errors.
func (x *expiry) expireJobs(ctx context.Context, ids []job.ID, erased map[job.ID]bool, index map[string]bool) (int, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	begun := make([]erasures, len(ids))
	var calls []func() error
	for i, id := range ids {
		calls = append(calls, func() error {
			err := x.pace.do(ctx, func() error { return x.beginExpiry(&begun[i], id, erased[id]) })
			if err != nil {
				return fmt.Errorf("job %s: %w", id, err)
			}
			return nil
		})
	}
	err := runAll(calls)
	var g erasures
	for _, one := range begun {
		g.jobs = append(g.jobs, one.jobs...)
	}
	for _, j := range g.jobs {
		if j.index != "" {
			index[j.index] = true
		}
	}
	n, ferr := x.completeErasures(ctx, &g, x.pace)
	return n, errors.Join(err, ferr)
}

// beginExpiry adds a job to g if its retention is over, or if another process has begun to expire
// it.
//
// All processes that find the job in its erased folder decide alike, because nothing is added to
// that folder any more. As long as the input is there, the job is complete, and is moved back if it
// was retried meanwhile. The process that removes the input has decided that the job expires.
func (x *expiry) beginExpiry(g *erasures, id job.ID, erased bool) error {
	run, damaged := 0, false
	if !erased {
		var over bool
		var err error
		if run, over, damaged, err = x.retentionOver(id); err != nil || !over {
			return err
		}
		if moved, err := x.moveToErased(id); err != nil || !moved {
			return err // another process was first
		}
	}
	for range maxConflicts {
		names, err := x.list(x.erasedDir(id))
		if err != nil {
			return err
		}
		if len(names) == 0 { // another process has emptied it, and may die before it removes the folder
			return x.removeEmpty(x.erasedDir(id))
		}
		if slices.Contains(names, inputFile) {
			var f jobFolder
			if f.parse(names); !damaged && (!f.ended || run != 0 && f.run != run) {
				return x.moveBack(id)
			}
			removed, err := x.unlink(filepath.Join(x.erasedDir(id), inputFile))
			if err != nil {
				return err
			}
			if !removed {
				continue // another process has removed it, or moved the job back
			}
		}
		return x.prepareErasure(g, id, "")
	}
	return fmt.Errorf("%w: other processes keep moving it", job.ErrBusy)
}

// retentionOver reports whether a job's retention is over, and in which run. For a damaged job it
// is, because the job was made before x.before and nothing more is known. An unfinished job is
// added to active/ if its entry is missing.
func (x *expiry) retentionOver(id job.ID) (run int, over, damaged bool, err error) {
	r, err := x.currentRecord(id)
	switch {
	case errors.Is(err, job.ErrGone), errors.Is(err, job.ErrNotFound):
		return 0, false, false, nil
	case errors.Is(err, errUnreadable):
		return 0, true, true, nil
	case err != nil:
		return 0, false, false, err
	case !r.State.Finished():
		return 0, false, false, x.ensureActive(id)
	}
	return r.Run, r.FinishedAt != nil && r.FinishedAt.Before(x.before), false, nil
}

// moveBack moves a job whose retention is not over back to its place, unless it is being erased. It
// adds the job to active/, because a checkup may have removed the entry meanwhile.
func (s *Store) moveBack(id job.ID) error {
	begun, err := s.exists(s.erasureMark(id, Erased))
	if err != nil || begun {
		return err
	}
	if err := s.rename(s.erasedDir(id), s.jobDir(id)); err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	return s.ensureActive(id)
}

// removeFolders removes a folder, and the folders of its time in the indexes, if they are empty.
// nothing means that the folder has no jobs any more, so everything that is still published in it
// came from late workers.
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
	err := runAll(calls)
	// A younger folder stays: Reconcile needs it to find the names that count erased jobs as
	// submissions.
	if err == nil && x.now.Sub(startOf(folder[:len(hourForm)])) > 2*day {
		err = x.removeEmpty(filepath.Join(x.dir, jobsDir, folder))
	}
	return err
}

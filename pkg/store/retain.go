package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
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
// ctx ends it stops between two jobs; what it has begun, [Store.EndErasures] completes.
func (s *Store) Expire(ctx context.Context, before time.Time, after string) (p Progress, err error) {
	p.After = after
	var damaged error
	err = s.folders(ctx, jobsDir, span{after, before}, func(folder string) error {
		n, err := s.expireIn(ctx, folder, before)
		p.Count += n
		if stops(ctx, err) {
			return cmp.Or(err, ctx.Err())
		}
		if err != nil {
			damaged = err
		}
		p.After = folder
		return nil
	})
	if err == nil {
		p.After, p.Done = "", true
		err = s.tidyPublished(ctx, before)
	}
	if err = errors.Join(err, damaged); err != nil {
		return p, fmt.Errorf("apply the retention: %w", err)
	}
	return p, nil
}

// expiring is how many jobs are expired at a time. Each takes some forty calls of the file server, one after
// the other.
const expiring = 64

// expireIn is Expire in a folder. It returns how many jobs it has removed, and one of the errors of those that it
// has not.
func (s *Store) expireIn(ctx context.Context, folder string, before time.Time) (expired int, err error) {
	path := filepath.Join(s.dir, jobsDir, folder)
	names, err := s.list(path)
	if err != nil {
		return 0, err
	}
	var ids []job.ID
	leftovers := false
	for _, name := range names {
		if id, ok := jobIn(folder, name, job.ID.Folder); ok && string(id) == name {
			ids = append(ids, id)
		}
		leftovers = leftovers || strings.HasPrefix(name, ".")
	}
	if leftovers { // of processes that died: what is older than a day nobody else looks at
		var now time.Time
		if now, err = s.now(); err == nil {
			err = (&reconciliation{Store: s, folder: folder, now: now, stale: expiryTime}).leftovers(names)
		}
	}
	slices.Sort(ids)
	for some := range slices.Chunk(ids, expiring) {
		n, eerr := s.expireAll(ctx, some, before)
		expired += n
		if isFull(eerr) { // each makes room for the next
			n, eerr = s.expireInTurns(ctx, some, before)
			expired += n
		}
		if stops(ctx, eerr) {
			return expired, cmp.Or(eerr, ctx.Err())
		}
		if eerr != nil {
			err = eerr
		}
	}
	if err != nil {
		return expired, err
	}
	for _, kind := range []string{publicDir, thumbsDir, privateDir} {
		err = errors.Join(err, s.removeEmpty(filepath.Join(s.PublishedDir(), kind, folder)))
	}
	return expired, errors.Join(err, s.removeEmpty(path))
}

// expireAll expires jobs of a folder at the same time, and removes their copies together.
func (s *Store) expireAll(ctx context.Context, ids []job.ID, before time.Time) (int, error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	dug := make([]graves, len(ids))
	var calls []func() error
	for i, id := range ids {
		calls = append(calls, func() error {
			if err := s.expireOne(&dug[i], id, before); err != nil {
				return fmt.Errorf("job %s: %w", id, err)
			}
			return nil
		})
	}
	err := together(calls...)
	var g graves
	for _, one := range dug {
		g.jobs = append(g.jobs, one.jobs...)
	}
	if ferr := s.fill(ctx, &g); ferr != nil {
		return 0, errors.Join(err, ferr)
	}
	return len(g.jobs), err
}

// expireInTurns expires jobs of a folder one after the other, which needs room for a mark and a tombstone at most. Those
// that could not be expired before for want of room are left for [Store.EndErasures] where they have begun.
func (s *Store) expireInTurns(ctx context.Context, ids []job.ID, before time.Time) (expired int, err error) {
	for _, id := range ids {
		n, eerr := s.expireAll(ctx, []job.ID{id}, before)
		expired += n
		if eerr != nil {
			err = eerr
		}
		if stops(ctx, err) {
			break
		}
	}
	return expired, err
}

// TidyOwners removes the folders of the owners' index that are empty and older than a time, from the owner behind after
// on: every listing walks through all that there are.
func (s *Store) TidyOwners(ctx context.Context, before time.Time, after string) (p Progress, err error) {
	owners, err := s.list(filepath.Join(s.dir, ownersDir))
	slices.Sort(owners)
	owners = slices.DeleteFunc(owners, func(owner string) bool { return owner <= after })
	p.After = after
	for some := range slices.Chunk(owners, inParallel) {
		var calls []func() error
		for _, owner := range some {
			calls = append(calls, func() error { return s.tidyFolders(ctx, filepath.Join(ownersDir, owner), before) })
		}
		if err = errors.Join(err, together(calls...)); stops(ctx, err) {
			break
		}
		p.After = some[len(some)-1]
	}
	if !stops(ctx, err) {
		p.After, p.Done = "", true
	}
	if err != nil {
		err = fmt.Errorf("tidy the owners' folders: %w", err)
	}
	return p, err
}

// stops reports whether a task is to stop after an error: not because of one job or folder that is damaged, which would
// hold up all others.
func stops(ctx context.Context, err error) bool { return ctx.Err() != nil || errors.Is(err, job.ErrStoreAway) }

// tidyPublished removes the folders of published/ that are empty and older than a
// time. Where one goes that a publisher has just made, for a job that was retried
// late, the job stays in active/ and is published by the next who tidies it up.
func (s *Store) tidyPublished(ctx context.Context, before time.Time) error {
	var errs []error
	for _, kind := range []string{publicDir, thumbsDir, privateDir} {
		errs = append(errs, s.tidyFolders(ctx, filepath.Join(publishedDir, kind), before))
	}
	return errors.Join(errs...)
}

func (s *Store) tidyFolders(ctx context.Context, tree string, before time.Time) error {
	return s.folders(ctx, tree, span{before: before}, func(path string) error {
		return s.removeEmpty(filepath.Join(s.dir, tree, path))
	})
}

func (s *Store) expireOne(g *graves, id job.ID, before time.Time) error {
	r, err := s.current(id)
	if errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if errors.Is(err, errUnreadable) {
		return s.dig(g, id, Expired) // made before that time; nobody can say more of it
	}
	if err != nil || !r.State.Finished() || r.FinishedAt == nil || !r.FinishedAt.Before(before) {
		return err
	}
	if err := s.moveToGrave(id, Expired); err != nil {
		return err
	}
	// It may have been retried since it was read.
	names, err := s.list(s.graveDir(id))
	if err != nil {
		return err
	}
	var l life
	if l.read(names); slices.Contains(names, inputFile) && (l.run != r.Run || !l.ended) {
		return s.restore(id)
	}
	return s.bury(g, id, Expired) // the input is removed first: without it others are at it
}

// restore gives a job back its place whose retention turned out not to be over.
func (s *Store) restore(id job.ID) error {
	err := s.rename(s.graveDir(id), s.jobDir(id))
	if err == nil {
		err = s.activateUnfinished(id) // whoever saw its grave has taken it out of active/
	}
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		err = s.remove(s.erasing(id, Expired))
	}
	return err
}

// activateUnfinished puts an unfinished job into active/ if it is not there.
func (s *Store) activateUnfinished(id job.ID) error {
	l, err := s.look(id)
	if errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer l.close()
	if l.ended {
		return nil
	}
	_, err = s.activateIfMissing(l)
	return err
}

// activateIfMissing puts an unfinished job into active/ if it is not there, and says whether it was not.
func (s *Store) activateIfMissing(l *life) (missing bool, err error) {
	last, err := s.truth(l)
	if err != nil {
		return false, ignore(err, errUnreadable)
	}
	entry := s.activeAt(last.Owner, l.id)
	there, err := s.exists(entry)
	if err != nil || there {
		return false, err
	}
	return true, s.activate(entry)
}

// Forget removes the tombstones of jobs that were made before a time, from the folder behind after on.
func (s *Store) Forget(ctx context.Context, before time.Time, after string) (p Progress, err error) {
	p.After = after
	var damaged error
	err = s.folders(ctx, goneDir, span{after, before}, func(folder string) error {
		dir := filepath.Join(s.dir, goneDir, folder)
		names, err := s.list(dir)
		var calls []func() error
		for _, name := range names {
			if _, ok := jobIn(folder, name, job.ID.Folder); ok {
				calls = append(calls, func() error { return s.removeTree(filepath.Join(dir, name)) })
			}
		}
		err = errors.Join(err, inTurns(calls), s.removeEmpty(dir))
		if stops(ctx, err) {
			return errors.Join(err, ctx.Err())
		}
		if err != nil {
			damaged = err
		}
		p.After, p.Count = folder, p.Count+len(calls)
		return nil
	})
	if err == nil {
		p.After, p.Done = "", true
	}
	if err = errors.Join(err, damaged); err != nil {
		return p, fmt.Errorf("forget erased jobs: %w", err)
	}
	return p, nil
}

// removeEmpty removes a folder if it is empty, but not a tree's own.
func (s *Store) removeEmpty(dir string) error {
	if filepath.Dir(dir) == s.dir {
		return nil
	}
	err := s.rmdir(dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) || errors.Is(err, syscall.ENOTDIR) { // ENOTEMPTY is ErrExist
		return nil
	}
	return err
}

// CleanUp removes what was left in tmp/ longer ago than age, by processes that
// died. Where one was only stalled, its work there fails and leaves no trace.
func (s *Store) CleanUp(ctx context.Context, now time.Time, age time.Duration) error {
	// Names are [rand.Text]'s.
	ours := func(name string) bool {
		return len(name) == 26 && strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
	}
	if err := s.removeOld(ctx, tmpDir, ours, now.Add(-age)); err != nil {
		return fmt.Errorf("clean up: %w", err)
	}
	return nil
}

// maxOld bounds what removeOld looks at in one go. They are chosen at random, so
// that in the end it comes to all.
const maxOld = 5000

// removeOld removes files from a folder that are older than a time and have a name as
// the store makes them.
func (s *Store) removeOld(ctx context.Context, dir string, ours func(name string) bool, before time.Time) error {
	names, err := s.list(filepath.Join(s.dir, dir))
	if err != nil {
		return err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return !ours(name) })
	rand.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	for _, name := range names[:min(maxOld, len(names))] {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		path := filepath.Join(s.dir, dir, name)
		at, err := s.changed(path)
		if err == nil && at.Before(before) {
			err = s.remove(path)
		}
		// Gone meanwhile, or a folder with something in it, and so not ours.
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

package store

import (
	"context"
	"crypto/sha256"
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

// keyRetention is how long an idempotency key stands for its first request.
const keyRetention = 24 * time.Hour

// Expire removes at most limit finished jobs that ended before a time, oldest
// first, and says how many. It looks at no more than a few times as many. A job
// that can't be read or removed does not stop it: of such errors it returns one. When
// ctx ends it stops between two jobs, with the error of ctx; what it has begun,
// [Store.EndErasures] completes.
func (s *Store) Expire(ctx context.Context, before time.Time, limit int) (int, error) {
	expired, begun, seen := 0, 0, 0
	var damaged error
	err := s.hours(ctx, jobsDir, before, func(hour string) error {
		names, err := s.list(hour)
		if err != nil {
			return err
		}
		slices.Sort(names)
		var g graves
		for _, name := range names {
			id, perr := job.ParseID(name)
			if perr != nil {
				continue
			}
			if ctx.Err() != nil {
				err = ctx.Err()
				break
			}
			if seen++; begun+len(g.jobs) == limit || seen > 4*limit {
				err = errEnough
				break
			}
			if derr := s.expireOne(&g, id, before); errors.Is(derr, job.ErrStoreAway) {
				err = derr
				break
			} else if derr != nil {
				damaged = fmt.Errorf("job %s: %w", id, derr)
			}
		}
		begun += len(g.jobs)
		switch ferr := s.fill(ctx, &g); {
		case ferr == nil:
			expired += len(g.jobs)
		case errors.Is(ferr, job.ErrStoreAway), ctx.Err() != nil:
			return ferr
		default:
			damaged = ferr
		}
		if err != nil {
			return err
		}
		return s.removeEmpty(hour)
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if err = errors.Join(err, damaged, s.tidyOwners(ctx, before), s.tidyPublished(ctx, before)); err != nil {
		return expired, fmt.Errorf("apply the retention: %w", err)
	}
	return expired, nil
}

// tidyOwners removes the folders of the owners' index that are empty and older than
// a time: every listing walks through all that there are.
func (s *Store) tidyOwners(ctx context.Context, before time.Time) error {
	owners, err := s.list(filepath.Join(s.dir, ownersDir))
	if err != nil {
		return err
	}
	for _, owner := range owners {
		if err := s.hours(ctx, filepath.Join(ownersDir, owner), before, s.removeEmpty); err != nil {
			return err
		}
	}
	return nil
}

// tidyPublished removes the folders of published/ that are empty and older than a
// time. Where one goes that a publisher has just made, for a job that was retried
// late, the job stays in active/ and is published by the next who tidies it up.
func (s *Store) tidyPublished(ctx context.Context, before time.Time) error {
	var errs []error
	for _, kind := range []string{publicDir, thumbsDir, privateDir} {
		errs = append(errs, s.hours(ctx, filepath.Join(publishedDir, kind), before, s.removeEmpty))
	}
	return errors.Join(errs...)
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
	return s.dig(g, id, Expired)
}

// Forget removes what is left of jobs that were made before a time and are gone.
func (s *Store) Forget(ctx context.Context, before time.Time) error {
	err := s.hours(ctx, goneDir, before, s.removeTree)
	if err != nil {
		return fmt.Errorf("forget erased jobs: %w", err)
	}
	return nil
}

// hours visits the folders of the hours that were over before a time, oldest
// first, in a tree with the layout of jobs/, until ctx ends.
func (s *Store) hours(ctx context.Context, tree string, before time.Time, visit func(dir string) error) error {
	last := hourOf(before)
	var down func(path string, depth int) error
	down = func(path string, depth int) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if depth == shardDepth {
			return visit(filepath.Join(s.dir, tree, path))
		}
		names, err := s.list(filepath.Join(s.dir, tree, path))
		if err != nil {
			return err
		}
		slices.Sort(names)
		for _, name := range names {
			sub := filepath.Join(path, name)
			if !inHours(sub, time.Now()) {
				continue // not ours
			}
			if sub >= last && !strings.HasPrefix(last, sub) || sub == last {
				return nil // the hour that before lies in may not be over
			}
			if err := down(sub, depth+1); err != nil {
				return err
			}
		}
		if strings.HasPrefix(last, path) {
			return nil // not over: the first job of its time may be about to move in
		}
		return s.removeEmpty(filepath.Join(s.dir, tree, path))
	}
	return down("", 0)
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

// CleanDrafts removes the folders of jobs whose making, or whose erasure, did not
// come to its end, in the hours since a time. Each hour's folder is listed, so
// this is not for every minute.
func (s *Store) CleanDrafts(ctx context.Context, since, now time.Time, age time.Duration) error {
	for hour := since.UTC().Truncate(time.Hour); !hour.After(now); hour = hour.Add(time.Hour) {
		if ctx.Err() != nil {
			return fmt.Errorf("clean up: %w", ctx.Err())
		}
		dir := filepath.Join(s.dir, jobsDir, hour.Format("2006/01/02/15"))
		names, err := s.list(dir)
		for _, name := range names {
			id, err := job.ParseID(strings.TrimPrefix(strings.TrimPrefix(name, draftPrefix), awayPrefix))
			if err != nil || !strings.HasPrefix(name, ".") {
				continue
			}
			path := filepath.Join(dir, name)
			at, err := s.changed(path)
			if err != nil || now.Sub(at) <= age {
				continue
			}
			there, err := s.exists(s.jobDir(id))
			switch {
			case err == nil && there:
				err = s.removeTree(path)
			case err == nil:
				err = s.forget(Entry{ID: id})
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errInUse) { // then later
				return fmt.Errorf("clean up after job %s: %w", id, err)
			}
		}
		if err != nil {
			return fmt.Errorf("clean up: %w", err)
		}
	}
	return nil
}

// ForgetKeys removes idempotency keys that are over.
func (s *Store) ForgetKeys(ctx context.Context, now time.Time) error {
	// Names are keyOf's.
	ours := func(name string) bool {
		return len(name) == 2*sha256.Size && strings.Trim(name, "0123456789abcdef") == ""
	}
	if err := s.removeOld(ctx, keysDir, ours, now.Add(-keyRetention)); err != nil {
		return fmt.Errorf("forget keys: %w", err)
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

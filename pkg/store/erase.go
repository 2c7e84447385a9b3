package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// Erase removes everything of a job, in any state, and leaves a [Tombstone]; why is [Erased]. Once
// the job's folder is renamed, the job can't be read, and a worker finds no folder to write into
// and discards its work. [Store.EndErasures] removes what a crash leaves. It is no error if the job
// is gone already.
//
// Errors: job.ErrBadID; job.ErrNotFound; job.ErrBusy; job.ErrStoreUnavailable; the error of
// [Config].Unpublish, after which the job is gone for readers.
func (s *Store) Erase(id job.ID, why string) error {
	err := checkID(id)
	if err == nil {
		err = s.erase(id, why)
	}
	if err != nil {
		return fmt.Errorf("erase job %s: %w", id, err)
	}
	return nil
}

func (s *Store) erase(id job.ID, why string) error {
	for range maxConflicts {
		var g erasures
		moved, err := s.beginErasure(&g, id, why)
		if err == nil {
			_, err = s.completeErasures(context.Background(), &g, nil)
		}
		if err != nil || moved {
			return err
		}
		// Another process has moved the job. If that was the retention, it may move the job back,
		// because it may not have seen the mark in erasing/.
		if there, err := s.exists(s.jobDir(id)); err != nil || !there {
			return err
		}
	}
	return fmt.Errorf("%w: other processes keep moving it", job.ErrBusy)
}

// beginErasure begins an erasure, or continues one. It removes all of the job except its copies,
// its entry in active/, and its folder with the spec, which shows what is left to do. moved is
// whether this call has renamed the folder.
func (s *Store) beginErasure(g *erasures, id job.ID, why string) (moved bool, err error) {
	there, err := s.exists(s.jobDir(id))
	if err == nil && !there {
		err = ignore(s.whyMissing(id), job.ErrGone)
	}
	// The entry in active/ can't be the mark, because a worker removes it when it has completed the
	// run.
	if err == nil {
		err = s.markWithSpare(s.erasureMark(id, why))
	}
	if err == nil {
		moved, err = s.moveToErased(id)
	}
	if err == nil {
		err = s.prepareErasure(g, id, why)
	}
	return moved, err
}

// erasureMark returns the path of the mark of an erasure that has begun.
func (s *Store) erasureMark(id job.ID, why string) string {
	return filepath.Join(s.dir, erasingDir, string(id)+"."+why)
}

// EndErasures completes erasures whose processes died, or whose copies could not be removed. after
// and the errors are as in [Store.Expire], but After is a name in erasing/. Erasures that can't be
// completed don't hold up later ones.
func (s *Store) EndErasures(ctx context.Context, after string) (p Progress, err error) {
	p.After = after
	if err := s.endErasures(ctx, &p); err != nil {
		return p, fmt.Errorf("end erasures: %w", err)
	}
	return p, nil
}

func (s *Store) endErasures(ctx context.Context, p *Progress) error {
	// One listing finds all, up to mostNames. There can only be more if the bucket was unavailable
	// for long; the rest is found when the first ones are completed.
	marks, err := s.list(filepath.Join(s.dir, erasingDir))
	if err != nil {
		return err
	}
	marks = slices.DeleteFunc(marks, func(mark string) bool { _, _, ok := parseMark(mark); return !ok || mark <= p.After })
	slices.Sort(marks) // by the times in the ids
	var failed failures
	for len(marks) > 0 {
		some := marks[:together(marks)]
		completed, err := s.endTogether(ctx, some)
		p.Count += completed
		failed.add(err)
		if mustStop(ctx, err) {
			return cmp.Or(failed.err, ctx.Err())
		}
		p.After, marks = some[len(some)-1], marks[len(some):]
	}
	p.After, p.Done = "", true
	return failed.err
}

// parseMark splits a name in erasing/.
func parseMark(mark string) (id job.ID, why string, ok bool) {
	text, why, _ := strings.Cut(mark, ".")
	id, err := job.ParseID(text)
	return id, why, err == nil && why != ""
}

// together returns how many of the first marks are of jobs in one folder, up to maxTogether.
func together(marks []string) (n int) {
	folderOf := func(mark string) string { id, _, _ := parseMark(mark); return id.Folder() }
	for n < min(maxTogether, len(marks)) && folderOf(marks[n]) == folderOf(marks[0]) {
		n++
	}
	return n
}

// endTogether completes the erasures of some marks, and returns how many it has completed.
func (s *Store) endTogether(ctx context.Context, marks []string) (completed int, err error) {
	begun := make([]erasures, len(marks))
	var calls []func() error
	for i, mark := range marks {
		calls = append(calls, func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			id, why, _ := parseMark(mark)
			_, err := s.beginErasure(&begun[i], id, why)
			if errors.Is(err, job.ErrNotFound) { // the job was discarded meanwhile
				return s.remove(s.erasureMark(id, why))
			}
			return err
		})
	}
	err = runAll(calls)
	if mustStop(ctx, err) {
		return 0, cmp.Or(err, ctx.Err())
	}
	var g erasures
	for _, one := range begun {
		g.jobs = append(g.jobs, one.jobs...)
	}
	completed, cerr := s.completeErasures(ctx, &g, nil)
	return completed, errors.Join(err, cerr)
}

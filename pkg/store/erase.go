package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// Erase removes everything of a job, in whatever state. From the moment its folder
// is renamed nobody reads it, and a worker that is at it finds nothing to write
// into and throws its work away. What a crash leaves, [Store.EndErasures] removes.
// Erasing what is gone is no error.
//
// job.ErrNotFound, job.ErrStoreAway.
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
			_, err = s.completeErasures(context.Background(), &g)
		}
		if err != nil || moved {
			return err
		}
		// Somebody else had moved it. The retention has not looked at our mark if it was about to put the job back.
		if there, err := s.exists(s.jobDir(id)); err != nil || !there {
			return err
		}
	}
	return fmt.Errorf("%w: others keep moving it", job.ErrBusy)
}

// dig begins an erasure, or goes on with one that has begun: whatever there is of
// the job goes, but for its folder with its spec, by which the rest is known. moved says whether
// it was this call that has begun.
func (s *Store) beginErasure(g *erasures, id job.ID, why string) (moved bool, err error) {
	there, err := s.exists(s.jobDir(id))
	if err == nil && !there {
		err = ignore(s.whyMissing(id), job.ErrGone)
	}
	// The entry is not that in active/, which a worker takes out when it is done.
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

// erasing is the mark of an erasure that has begun.
func (s *Store) erasureMark(id job.ID, why string) string {
	return filepath.Join(s.dir, erasingDir, string(id)+"."+why)
}

// EndErasures brings erasures to their end that were begun by processes that died,
// or whose copies could not be removed. It stops between two jobs when ctx ends. Of the errors of jobs it returns one.
func (s *Store) EndErasures(ctx context.Context) error {
	if err := s.endErasures(ctx); err != nil {
		return fmt.Errorf("end erasures: %w", err)
	}
	return nil
}

func (s *Store) endErasures(ctx context.Context) error {
	names, err := s.list(filepath.Join(s.dir, erasingDir))
	if err != nil {
		return err
	}
	slices.Sort(names) // by their time
	var failed failures
	var g erasures
	for _, name := range names {
		text, why, _ := strings.Cut(name, ".")
		id, err := job.ParseID(text)
		if err != nil || why == "" {
			continue
		}
		if ctx.Err() != nil {
			failed.add(ctx.Err())
			break
		}
		if len(g.jobs) > 0 && g.jobs[0].id.Folder() != id.Folder() {
			_, err = s.completeErasures(ctx, &g)
			failed.add(err)
			g = erasures{}
		}
		if _, derr := s.beginErasure(&g, id, why); errors.Is(derr, job.ErrNotFound) { // discarded meanwhile
			err = s.remove(s.erasureMark(id, why))
		} else {
			err = derr
		}
		failed.add(err)
		if errors.Is(failed.err, job.ErrStoreAway) {
			return failed.err
		}
	}
	_, err = s.completeErasures(ctx, &g)
	failed.add(err)
	return failed.err
}

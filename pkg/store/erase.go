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

// Erase removes everything of a job, in any state. After its folder is renamed the job can't be
// read, and a worker finds no folder to write into and discards its work. What a crash leaves,
// [Store.EndErasures] removes. It is no error if the job is gone already.
//
// Errors: job.ErrNotFound, job.ErrStoreUnavailable.
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
		// Another process has moved it. If that was the retention, and it moves the job back, it
		// may not have seen the mark in erasing/.
		if there, err := s.exists(s.jobDir(id)); err != nil || !there {
			return err
		}
	}
	return fmt.Errorf("%w: other processes keep moving it", job.ErrBusy)
}

// beginErasure begins an erasure, or continues one. It removes all of the job except its folder
// with the spec, which shows what is left to do. moved is whether this call has moved the folder.
func (s *Store) beginErasure(g *erasures, id job.ID, why string) (moved bool, err error) {
	there, err := s.exists(s.jobDir(id))
	if err == nil && !there {
		err = ignore(s.whyMissing(id), job.ErrGone)
	}
	// The mark is not the entry in active/, which a worker removes when it has completed the run.
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

// EndErasures completes erasures whose processes died, or whose copies could not be removed. It
// stops between two jobs when ctx ends. It returns one of the errors.
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
	slices.Sort(names) // by the times in the ids
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
			_, err = s.completeErasures(ctx, &g, nil)
			failed.add(err)
			g = erasures{}
		}
		if _, derr := s.beginErasure(&g, id, why); errors.Is(derr, job.ErrNotFound) { // the job was discarded meanwhile
			err = s.remove(s.erasureMark(id, why))
		} else {
			err = derr
		}
		failed.add(err)
		if errors.Is(failed.err, job.ErrStoreUnavailable) {
			return failed.err
		}
	}
	_, err = s.completeErasures(ctx, &g, nil)
	failed.add(err)
	return failed.err
}

//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// active calls visit for each entry in active/: for jobs that are not finished, and for finished ones whose outcome is
// not completed. It returns the first error.
func active(ctx context.Context, st *store.Store, visit func(store.Entry) error) error {
	folders, err := st.ActiveFolders(ctx)
	if err != nil {
		return err
	}
	for _, f := range folders {
		entries, err := st.ActiveIn(f)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := visit(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// quiet waits until no job is unfinished, including jobs whose submitters got no response.
func (s *stack) quiet(ctx context.Context) error {
	st, err := s.openStore()
	if err != nil {
		return err
	}
	defer st.Close()
	for {
		var unfinished []job.ID
		err := active(ctx, st, func(e store.Entry) error {
			if j, err := st.Job(e.ID); err == nil && !j.State.Finished() {
				unfinished = append(unfinished, e.ID)
			}
			return nil
		})
		if err == nil && len(unfinished) == 0 {
			return nil
		}
		if perr := pause(ctx, 500*time.Millisecond); perr != nil {
			return fmt.Errorf("%w: %d are unfinished, the first is %v", errors.Join(err, perr), len(unfinished), unfinished[:min(1, len(unfinished))])
		}
	}
}

// tidyUp does what sweeps would do with the shared directory in the next two days, since no program runs any more. Some
// files are removed only after a day: those of a worker that has lost its lease.
func (s *stack) tidyUp(ctx context.Context) error {
	st, err := s.openStore()
	if err != nil {
		return err
	}
	defer st.Close()
	const stale = 10 * time.Minute
	later := time.Now().Add(2 * 24 * time.Hour)
	err = active(ctx, st, func(e store.Entry) error {
		_, err := st.Checkup(e, later, stale)
		if errors.Is(err, job.ErrFinished) || errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrNotFound) {
			return nil
		}
		return err
	})
	_, rerr := st.Reconcile(ctx, "", later, later, stale)
	_, eerr := st.EndErasures(ctx, "")
	_, uerr := st.ForgetUploads(ctx, "", later)
	return errors.Join(err, rerr, eerr, uerr, st.CleanUp(ctx, later, stale))
}

package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Tombstone is what is left for a while of a job that was erased, so that its address answers
// that it is gone rather than that it never was. One that has expired leaves none: see [Store.Unknown].
type Tombstone struct {
	Owner string    `json:"owner,omitempty"`
	Why   string    `json:"why"` // Erased
	At    time.Time `json:"at"`
}

// Erased is why a job is gone that was removed on request.
const Erased = "erased"

// Tombstone reads what is left of a job that was erased; job.ErrNotFound where it was
// not.
func (s *Store) Tombstone(id job.ID) (t Tombstone, err error) {
	if err := checkID(id); err != nil {
		return t, fmt.Errorf("read tombstone: %w", err)
	}
	b, _, err := s.readFile(s.tombstonePath(id))
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = job.ErrNotFound
	}
	if err != nil {
		return t, fmt.Errorf("read tombstone of job %s: %w", id, err)
	}
	return t, nil
}

func (s *Store) writeTombstone(spec *job.Spec, why string) error {
	b, err := json.Marshal(Tombstone{Owner: spec.Owner, Why: why, At: *utcNow()})
	if err != nil {
		return err
	}
	stone := s.tombstonePath(spec.ID)
	if err := s.mkdirsWithSpare(filepath.Dir(stone)); err != nil {
		return err
	}
	return s.replaceFile(stone, b)
}

// Forget removes the tombstones of jobs that were made before a time, from the folder behind after on. What can't be
// removed does not stop it: of such errors it returns one.
func (s *Store) Forget(ctx context.Context, before time.Time, after string) (p Progress, err error) {
	p.After = after
	var failed failures
	err = s.visitFolders(ctx, goneDir, span{after, before}, func(folder string) error {
		n, err := s.forgetIn(folder)
		p.Count += n
		if failed.add(err); mustStop(ctx, err) {
			return cmp.Or(err, ctx.Err())
		}
		p.After = folder
		return nil
	})
	if err == nil {
		p.After, p.Done = "", true
	}
	if err = errors.Join(err, failed.err); err != nil {
		return p, fmt.Errorf("forget erased jobs: %w", err)
	}
	return p, nil
}

// forgetIn is Forget in a folder.
func (s *Store) forgetIn(folder string) (forgotten int, err error) {
	dir := filepath.Join(s.dir, goneDir, folder)
	names, err := s.list(dir)
	var calls []func() error
	for _, name := range names {
		if _, ok := jobIn(folder, name, job.ID.Folder); ok { // also where somebody has made a folder of it
			calls = append(calls, func() error { return s.removeTree(filepath.Join(dir, name)) })
		}
	}
	if err == nil {
		err = runAll(calls)
	}
	if err != nil {
		return 0, err
	}
	return len(calls), s.removeEmpty(dir)
}

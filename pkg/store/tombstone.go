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

// A Tombstone is what is kept for a while of a job that was erased, so that the response for it is
// 410 and not 404. A job that has expired leaves none: see [Store.Unknown].
type Tombstone struct {
	Owner string    `json:"owner,omitempty"`
	Why   string    `json:"why"` // always [Erased]
	At    time.Time `json:"at"`
}

// Erased is the reason for an erasure on request, the only one that leaves a tombstone.
const Erased = "erased"

// Tombstone reads the tombstone of a job. The error is job.ErrNotFound if the job was not erased,
// or its tombstone was removed by [Store.Forget].
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
	path := s.tombstonePath(spec.ID)
	if err := s.mkdirsWithSpare(filepath.Dir(path)); err != nil {
		return err
	}
	return s.replaceFile(path, b)
}

// Forget removes the tombstones of jobs that were made in hours that were over at the time before.
// after and the errors are as in [Store.Expire].
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

// forgetIn is Forget for one folder, which has the tombstones of jobs of one folder of jobs/: a few
// thousand at most, see grain.go.
func (s *Store) forgetIn(folder string) (forgotten int, err error) {
	dir := filepath.Join(s.dir, goneDir, folder)
	names, err := s.list(dir)
	var calls []func() error
	for _, name := range names {
		if _, ok := jobIn(folder, name, job.ID.Folder); ok { // also if it is a folder, which the store does not make
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

package store

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// keyRetention is how long an idempotency key is kept at least.
const keyRetention = 24 * time.Hour

// ForgetKeys removes idempotency keys that are older than a day; now is by the file server's clock.
// It checks the time of each key; with ten million jobs a day a folder has some 2,500. The folders
// are kept, because each costs the submission that makes it eight calls. after and the errors are
// as in [Store.Expire].
func (s *Store) ForgetKeys(ctx context.Context, after string, now time.Time) (p Progress, err error) {
	p.After = after
	if err := s.forgetKeys(ctx, &p, now.Add(-keyRetention)); err != nil {
		return p, fmt.Errorf("forget keys: %w", err)
	}
	return p, nil
}

func (s *Store) forgetKeys(ctx context.Context, p *Progress, before time.Time) error {
	root := filepath.Join(s.dir, keysDir)
	tops, err := s.list(root)
	if err != nil {
		return err
	}
	slices.Sort(tops)
	var failed failures
	for _, top := range tops {
		if !isHex(top, 1) {
			continue
		}
		leaves, err := s.list(filepath.Join(root, top))
		failed.add(err)
		slices.Sort(leaves)
		for _, leaf := range leaves {
			folder := filepath.Join(top, leaf)
			if !isHex(leaf, 2) || folder <= p.After {
				continue
			}
			n, err := s.forgetKeysIn(filepath.Join(root, folder), before)
			p.Count += n
			if failed.add(err); mustStop(ctx, err) {
				return cmp.Or(err, ctx.Err())
			}
			p.After = folder
		}
	}
	p.After, p.Done = "", true
	return failed.err
}

// forgetKeysIn removes the keys in a folder from before a time, and what processes that died in
// removeIfStill have left.
func (s *Store) forgetKeysIn(dir string, before time.Time) (removed int, err error) {
	names, err := s.list(dir)
	if err != nil {
		return 0, err
	}
	var count atomic.Int64
	var calls []func() error
	for _, name := range names {
		path := filepath.Join(dir, name)
		isOld := func(path string) (bool, error) {
			at, err := s.modTime(path)
			return err == nil && at.Before(before), err
		}
		switch {
		case isHex(name, 2*sha256.Size):
			calls = append(calls, func() error {
				old, err := isOld(path)
				if err == nil && old {
					// In the same folder, because a file system makes only one rename between two
					// folders at a time.
					away := filepath.Join(dir, tempPrefix+rand.Text())
					if old, err = s.removeIfStill(path, away, isOld); err == nil && old {
						count.Add(1)
					}
				}
				return ignore(ignore(err, fs.ErrNotExist), fs.ErrExist) // removed meanwhile; or a folder that is not empty
			})
		case strings.HasPrefix(name, tempPrefix):
			calls = append(calls, func() error {
				old, err := isOld(path)
				if err == nil && old {
					err = s.remove(path)
				}
				return ignore(ignore(err, fs.ErrNotExist), fs.ErrExist)
			})
		}
	}
	err = runAll(calls)
	return int(count.Load()), err
}

// removeIfStill removes a file that matched when the caller checked it, if it still matches: if the
// caller was paused since, the file at path may be another job's. So it is renamed to away, checked
// again there, and gets its name back if it no longer matches.
func (s *Store) removeIfStill(path, away string, matches func(path string) (bool, error)) (removed bool, err error) {
	if err := s.rename(path, away); err != nil {
		return false, ignore(err, fs.ErrNotExist)
	}
	removed, err = matches(away)
	if err != nil || !removed {
		if lerr := ignore(s.link(away, path), fs.ErrExist); lerr != nil {
			return false, errors.Join(err, lerr) // it has no other name
		}
	}
	return removed, errors.Join(err, s.remove(away))
}

func isHex(name string, digits int) bool {
	return len(name) == digits && strings.Trim(name, "0123456789abcdef") == ""
}

// removeKeys removes the records of a job's idempotency key and of its uploads. The upload itself
// is removed first, so that no other job takes it.
func (s *Store) removeKeys(spec *job.Spec) (err error) {
	if spec.Key != "" {
		err = s.removeKey(spec, spec.Key)
	}
	for _, u := range UploadsOf(spec) {
		if err == nil {
			err = s.remove(s.uploadPath(spec.Owner, u.ID, u.Bytes))
		}
		if err == nil {
			err = s.removeKey(spec, uploadKey(spec.Owner, u.ID))
		}
	}
	return err
}

// removeKey removes a record in keys/ if it is this job's. After a day the job's own record is
// removed, and the key may be another job's since.
func (s *Store) removeKey(spec *job.Spec, key string) error {
	ours := func(path string) (bool, error) {
		first, err := s.readAnySpec(path)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnreadable) {
			return false, nil // a damaged record is removed by its age
		}
		return err == nil && first.ID == spec.ID, err
	}
	at := s.keyPath(key)
	there, err := ours(at)
	if err == nil && there {
		_, err = s.removeIfStill(at, s.tempPath(rand.Text()), ours)
	}
	return err
}

package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// countUploads lists an owner's pending uploads, and records the count for the quotas.
func (s *Store) countUploads(folder string) ([]Upload, error) {
	o := s.ownerCounts(folder)
	o.mu.Lock()
	defer o.mu.Unlock()
	began := time.Now()
	pending, err := s.pendingUploads(folder, began)
	if err == nil {
		o.uploads.set(totalUse(pending), stampOf(began))
	}
	return pending, err
}

// pendingUploads lists an owner's uploads that can still be taken.
func (s *Store) pendingUploads(folder string, now time.Time) (all []Upload, err error) {
	names, err := s.listExisting(filepath.Join(s.dir, uploadsDir, folder))
	for _, name := range names {
		if u, ok := parseUpload(folder, name); ok && !u.expired(now) {
			all = append(all, u)
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = s.checkReachable()
	}
	return all, err
}

func parseUpload(folder, name string) (u Upload, ok bool) {
	text, bytes, _ := strings.Cut(name, ".")
	id, err := job.ParseID(text)
	n, nerr := strconv.ParseInt(bytes, 10, 64)
	return newUpload(folder, id, n), err == nil && nerr == nil && n >= 1 && n <= maxInput
}

func totalUse(uploads []Upload) (sum use) {
	for _, u := range uploads {
		sum = sum.plus(u.use())
	}
	return sum
}

func (s *Store) uploadPath(owner string, id job.ID, bytes int64) string {
	return filepath.Join(s.dir, uploadsDir, ownerFolder(owner), string(id)+"."+strconv.FormatInt(bytes, 10))
}

// ForgetUploads removes uploads that are too old to be taken, and the folders of owners who have
// none. after and the errors are as in [Store.Expire]; the folders are those of owners.
func (s *Store) ForgetUploads(ctx context.Context, after string, now time.Time) (p Progress, err error) {
	p.After = after
	if err := s.forgetUploads(ctx, &p, now.Add(-keyRetention)); err != nil {
		return p, fmt.Errorf("forget uploads: %w", err)
	}
	return p, nil
}

func (s *Store) forgetUploads(ctx context.Context, p *Progress, before time.Time) error {
	owners, err := s.list(filepath.Join(s.dir, uploadsDir)) // those with uploads of the last day
	if err != nil {
		return err
	}
	owners = slices.DeleteFunc(owners, func(owner string) bool { return owner <= p.After })
	slices.Sort(owners)
	var failed failures
	for some := range slices.Chunk(owners, maxParallel) {
		counts := make([]int, len(some))
		var calls []func() error
		for i, owner := range some {
			calls = append(calls, func() (err error) { counts[i], err = s.forgetUploadsOf(ctx, owner, before); return err })
		}
		failed.add(runAll(calls))
		for _, n := range counts {
			p.Count += n
		}
		if mustStop(ctx, failed.err) {
			return cmp.Or(failed.err, ctx.Err())
		}
		p.After = some[len(some)-1]
	}
	p.After, p.Done = "", true
	return failed.err
}

// forgetUploadsOf removes an owner's uploads from before a time, and returns their number.
func (s *Store) forgetUploadsOf(ctx context.Context, owner string, before time.Time) (removed int, err error) {
	dir := filepath.Join(s.dir, uploadsDir, owner)
	names, err := s.list(dir)
	if err != nil {
		return 0, err
	}
	var failed failures
	for _, name := range names {
		if ctx.Err() != nil {
			return removed, ctx.Err()
		}
		if u, ok := parseUpload(owner, name); ok && u.ID.Time().Before(before) {
			there, err := s.unlink(filepath.Join(dir, name))
			if failed.add(err); there {
				removed++
			}
		}
	}
	failed.add(s.removeEmpty(dir))
	return removed, failed.err
}

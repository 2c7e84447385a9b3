package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
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
// none. It stops when ctx ends, with the error of ctx.
func (s *Store) ForgetUploads(ctx context.Context, now time.Time) error {
	root := filepath.Join(s.dir, uploadsDir)
	owners, err := s.list(root)
	for _, owner := range owners {
		if ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		names, lerr := s.list(filepath.Join(root, owner))
		err = errors.Join(err, lerr)
		for _, name := range names {
			if u, ok := parseUpload(owner, name); ok && now.Sub(u.ID.Time()) > keyRetention {
				err = errors.Join(err, s.remove(filepath.Join(root, owner, name)))
			}
		}
		err = errors.Join(err, s.removeEmpty(filepath.Join(root, owner)))
	}
	if err != nil {
		return fmt.Errorf("forget uploads: %w", err)
	}
	return nil
}

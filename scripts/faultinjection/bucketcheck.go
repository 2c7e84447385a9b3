//go:build linux

package main

import (
	"context"
	"crypto/md5" //nolint:gosec // the ETag of S3
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/uploads"
)

// examineBucket checks that the bucket has a copy of each published picture and no other, that the gallery's pages list
// all public ones, newest first, and that no erased job's upload is left.
func (s *stack) examineBucket(ctx context.Context, l *load, f *finding) error {
	published, err := publishedFiles(filepath.Join(s.dir, "published"))
	if err != nil {
		return err
	}
	public := map[job.ID]bool{}
	for name := range published {
		if folder, id, _, ok := store.ParsePublished(name); ok && folder == "public" {
			public[id] = true
		}
	}
	kept := map[string]bool{}
	for o, err := range s.objects.List(ctx, "") {
		if err != nil {
			return err
		}
		if id, ok := strings.CutPrefix(o.Key, uploads.Prefix); ok {
			kept[id[strings.LastIndex(id, "/")+1:]] = true
		}
		name, ok := strings.CutPrefix(o.Key, gallery.Pictures)
		if !ok {
			continue
		}
		if hash := published[name]; strings.Trim(o.ETag, `"`) != hash {
			f.wrong("the bucket has %s, and published/ has not, or another picture", o.Key)
		}
		delete(published, name)
	}
	for name := range published {
		f.wrong("the bucket has no copy of published/%s", name)
	}
	for _, a := range l.accepted {
		if a.ends == erased && kept[a.upload] {
			f.wrong("job %s was erased, and the bucket has its upload %s", a.id, a.upload)
		}
	}
	return s.examineGallery(ctx, public, f)
}

// publishedFiles returns the MD5 sums of the published files, by name.
func publishedFiles(dir string) (map[string]string, error) {
	sums := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sum := md5.Sum(b) //nolint:gosec // the same
		name, err := filepath.Rel(dir, path)
		sums[name] = hex.EncodeToString(sum[:])
		return err
	})
	return sums, err
}

// firstPage is the key of the gallery's index.
const firstPage = "gallery/index.json"

// examineGallery follows the gallery's pages from its index, as a browser does.
func (s *stack) examineGallery(ctx context.Context, public map[job.ID]bool, f *finding) error {
	var ids []job.ID
	for key := firstPage; key != ""; {
		var page struct {
			Jobs []struct{ ID job.ID }
			Next string
		}
		r, _, err := s.objects.Get(ctx, key)
		if errors.Is(err, bucket.ErrNotFound) && key == firstPage && len(public) == 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the gallery's pages: %w", err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err = errors.Join(err, json.Unmarshal(b, &page)); err != nil {
			return fmt.Errorf("the gallery's page %s: %w", key, err)
		}
		for _, j := range page.Jobs {
			ids = append(ids, j.ID)
		}
		key = page.Next
	}
	if !slices.IsSortedFunc(ids, func(a, b job.ID) int { return strings.Compare(string(b), string(a)) }) {
		f.wrong("the gallery's pages are not in order: %q", ids)
	}
	for _, id := range ids {
		if !public[id] {
			f.wrong("the gallery shows job %s twice, or without a picture", id)
		}
		delete(public, id)
	}
	for id := range public {
		f.wrong("the gallery does not show job %s", id)
	}
	return nil
}

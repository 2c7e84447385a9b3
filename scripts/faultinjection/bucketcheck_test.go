//go:build linux

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/bucket"
)

// damagesOfBucket are ways to damage a bucket, each with a part of the message that the check must give.
var damagesOfBucket = map[string]struct {
	damage func(t *testing.T, b *bucket.Bucket)
	want   string // "" is nothing
}{
	"nothing":                         {func(*testing.T, *bucket.Bucket) {}, ""},
	"a copy is missing":               {removeFrom("pictures/private/"), "has no copy of published/private/"},
	"a copy is another picture":       {replaceIn("pictures/public/", "x"), "or another picture"},
	"a copy is of no job":             {put("pictures/public/2026/11/30/04/0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c.png"), "published/ has not"},
	"the gallery is empty":            {replaceIn("gallery/index.json", `{"jobs":[]}`), "does not show job"},
	"a page of the gallery is gone":   {removeFrom("gallery/20"), "the gallery's pages"},
	"an erased job is shown":          {replaceIn("gallery/index.json", `{"jobs":[{"id":"0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c"}]}`), "without a picture"},
	"an erased job's upload is there": {put("uploads/owner/0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0d"), "has its upload"},
}

// findsDamageOfBucket copies the pictures of a shared directory to a bucket, damages the bucket in each of these ways,
// and checks that the damage is found.
func findsDamageOfBucket(t *testing.T, o *options, dir string) {
	folder := t.TempDir()
	s := &stack{settings: &settings{dir: dir, folder: folder, ministack: o.MiniStack}}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	if s.objects, err = newObjectStore(t.Context(), s.settings, log, func(what string) { t.Error(what) }); err != nil {
		t.Fatal(err)
	}
	defer s.objects.close()
	if s.copier, err = newCopier(dir, s.objects.Bucket, log); err != nil {
		t.Fatal(err)
	}
	defer s.copier.close()
	l := &load{accepted: []*accepted{{submission: submission{upload: "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0d"}, ends: erased}}}
	for name, c := range damagesOfBucket {
		t.Run("in the bucket: "+name, func(t *testing.T) {
			for o, err := range s.objects.List(t.Context(), "") {
				if err == nil {
					err = s.objects.Delete(t.Context(), o.Key)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			if err := s.copier.finish(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.damage(t, s.objects.Bucket)
			f := &finding{Ended: map[string]int{}}
			if err := s.examineBucket(t.Context(), l, f); err != nil {
				f.wrong("%v", err)
			}
			if got := strings.Join(f.Wrong, "\n"); c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func removeFrom(prefix string) func(*testing.T, *bucket.Bucket) {
	return func(t *testing.T, b *bucket.Bucket) {
		if err := b.Delete(t.Context(), firstKey(t, b, prefix)); err != nil {
			t.Fatal(err)
		}
	}
}

func replaceIn(prefix, content string) func(*testing.T, *bucket.Bucket) {
	return func(t *testing.T, b *bucket.Bucket) { putObject(t, b, firstKey(t, b, prefix), content) }
}

func put(key string) func(*testing.T, *bucket.Bucket) {
	return func(t *testing.T, b *bucket.Bucket) { putObject(t, b, key, "x") }
}

func putObject(t *testing.T, b *bucket.Bucket, key, content string) {
	t.Helper()
	if _, err := b.Put(t.Context(), key, strings.NewReader(content), bucket.Put{}); err != nil {
		t.Fatal(err)
	}
}

// firstKey returns the first key with a prefix. The test fails if there is none.
func firstKey(t *testing.T, b *bucket.Bucket, prefix string) string {
	t.Helper()
	for o, err := range b.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		return o.Key
	}
	t.Fatalf("the bucket has nothing below %s", prefix)
	return ""
}

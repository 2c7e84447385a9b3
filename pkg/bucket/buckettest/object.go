package buckettest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
)

func roundTrip(t *testing.T, s fixture) {
	const name, content = "a b/ü+%25&=?'.json", `{"a":1}`
	before := time.Now().Add(-time.Minute)
	etag := s.put(t, name, content, bucket.Put{ContentType: "application/json", CacheControl: "no-cache"})
	got, o := s.content(t, name)
	if got != content {
		t.Errorf("got %q, want %q", got, content)
	}
	want := bucket.Object{
		Key: s.prefix + name, Size: int64(len(content)), Changed: o.Changed, ETag: etag, ContentType: "application/json", CacheControl: "no-cache",
	}
	if o != want || etag == "" {
		t.Errorf("got %+v, want %+v", o, want)
	}
	if o.Changed.Before(before) || o.Changed.After(time.Now().Add(time.Minute)) {
		t.Errorf("changed at %s", o.Changed)
	}
	head, err := s.Head(t.Context(), s.prefix+name)
	if err != nil || head != want {
		t.Errorf("HEAD: got %+v, %v; want %+v", head, err, want)
	}
	if listed := s.list(t); len(listed) != 1 || listed[0].Key != want.Key || listed[0].Size != want.Size || listed[0].ETag != etag {
		t.Errorf("listed: %+v", listed)
	}
}

func empty(t *testing.T, s fixture) {
	s.put(t, "x", "", bucket.Put{})
	if got, o := s.content(t, "x"); got != "" || o.Size != 0 {
		t.Errorf("got %q, %+v", got, o)
	}
}

func file(t *testing.T, s fixture) {
	content := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := s.Put(t.Context(), s.prefix+"x", f, bucket.Put{ContentType: "image/png"}); err != nil {
		t.Fatal(err)
	}
	if got, o := s.content(t, "x"); got != string(content) || o.Size != int64(len(content)) {
		t.Errorf("got %d bytes, %+v", len(got), o)
	}
}

func replaced(t *testing.T, s fixture) {
	first := s.put(t, "x", "first", bucket.Put{ContentType: "text/plain"})
	second := s.put(t, "x", "second", bucket.Put{})
	if first == second {
		t.Errorf("both have the ETag %s", first)
	}
	if got, o := s.content(t, "x"); got != "second" || o.ETag != second || o.ContentType == "text/plain" {
		t.Errorf("got %q, %+v", got, o)
	}
}

func missing(t *testing.T, s fixture) {
	_, err := s.Head(t.Context(), s.prefix+"x")
	wantError(t, "HEAD", err, bucket.ErrNotFound)
	_, _, err = s.Get(t.Context(), s.prefix+"x")
	wantError(t, "GET", err, bucket.ErrNotFound)
	if err := s.Delete(t.Context(), s.prefix+"x"); err != nil {
		t.Errorf("DELETE: %v", err)
	}
	if err := s.Delete(t.Context()); err != nil {
		t.Errorf("DELETE of none: %v", err)
	}
	if listed := s.list(t); len(listed) > 0 {
		t.Errorf("listed: %+v", listed)
	}
	s.put(t, "x", "1", bucket.Put{})
	if err := s.Delete(t.Context(), s.prefix+"x", s.prefix+"y"); err != nil {
		t.Errorf("DELETE: %v", err)
	}
	_, err = s.Head(t.Context(), s.prefix+"x")
	wantError(t, "HEAD of a deleted one", err, bucket.ErrNotFound)
}

// list returns the objects below the prefix.
func (s fixture) list(t *testing.T) (listed []bucket.Object) {
	t.Helper()
	for o, err := range s.List(t.Context(), s.prefix) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, o)
	}
	return listed
}

// manyObjects checks listing and deleting of more objects than S3 lists or deletes in one request.
func manyObjects(t *testing.T, s fixture) {
	const n = 1003
	var keys []string
	var all sync.WaitGroup
	slots := make(chan struct{}, 16)
	for i := range n {
		key := fmt.Sprintf("%smany/%04d", s.prefix, i)
		keys = append(keys, key)
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if _, err := s.Put(t.Context(), key, bytes.NewReader([]byte(key)), bucket.Put{}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s.put(t, "manz", "after", bucket.Put{})
	var got []string
	for o, err := range s.List(t.Context(), s.prefix+"many/") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key)
	}
	if !slices.Equal(got, keys) {
		t.Errorf("listed %d, want %d in order", len(got), len(keys))
	}
	for after, want := range map[string][]string{keys[500]: keys[501:], keys[500] + "0": keys[501:], keys[n-1]: nil, s.prefix: keys} {
		var got []string
		for o, err := range s.ListAfter(t.Context(), s.prefix+"many/", after) {
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, o.Key)
		}
		if !slices.Equal(got, want) {
			t.Errorf("listed %d after %s, want %d in order", len(got), after, len(want))
		}
	}
	if err := s.Delete(t.Context(), keys...); err != nil {
		t.Fatal(err)
	}
	if left := s.list(t); len(left) != 1 {
		t.Errorf("%d objects are left, want the other one", len(left))
	}
}

func listingStops(t *testing.T, s fixture) {
	s.put(t, "a", "1", bucket.Put{})
	s.put(t, "b", "2", bucket.Put{})
	for o, err := range s.List(t.Context(), s.prefix) {
		if err != nil || o.Key != s.prefix+"a" {
			t.Errorf("first: %+v, %v", o, err)
		}
		break
	}
}

func conditions(t *testing.T, s fixture) {
	try := func(content, condition string) (string, error) {
		return s.Put(t.Context(), s.prefix+"x", bytes.NewReader([]byte(content)), bucket.Put{If: condition})
	}
	_, err := try("none", `"d41d8cd98f00b204e9800998ecf8427e"`)
	wantError(t, "If-Match for a missing object", err, bucket.ErrChanged)
	first, err := try("1", bucket.Absent)
	if err != nil {
		t.Fatal(err)
	}
	_, err = try("2", bucket.Absent)
	wantError(t, "If-None-Match for an existing object", err, bucket.ErrChanged)
	second, err := try("2", first)
	if err != nil {
		t.Fatal(err)
	}
	_, err = try("3", first)
	wantError(t, "If-Match with an older ETag", err, bucket.ErrChanged)
	if got, o := s.content(t, "x"); got != "2" || o.ETag != second {
		t.Errorf("got %q, %+v", got, o)
	}
}

func firstWriter(t *testing.T, s fixture) {
	var mu sync.Mutex
	won := 0
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			_, err := s.Put(t.Context(), s.prefix+"x", bytes.NewReader([]byte{byte(i)}), bucket.Put{If: bucket.Absent})
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !errors.Is(err, bucket.ErrChanged) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d writers succeeded", won)
	}
}

func unchanged(t *testing.T, s fixture) {
	first := s.put(t, "x", "one", bucket.Put{})
	read := func(known, want, wantTag string) {
		t.Helper()
		got, etag, err := s.Changed(t.Context(), s.prefix+"x", known, 3)
		if err != nil || string(got) != want || etag != wantTag {
			t.Errorf("known %q: got %q, %q, %v; want %q, %q", known, got, etag, err, want, wantTag)
		}
	}
	read("", "one", first)
	read(first, "", first)
	second := s.put(t, "x", "two", bucket.Put{})
	read(first, "two", second)
	s.put(t, "x", "four", bucket.Put{})
	if _, _, err := s.Changed(t.Context(), s.prefix+"x", second, 3); err == nil {
		t.Error("an object that is too large was read")
	}
	_, _, err := s.Changed(t.Context(), s.prefix+"none", second, 3)
	wantError(t, "a missing object", err, bucket.ErrNotFound)
}

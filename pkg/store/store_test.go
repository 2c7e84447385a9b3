package store_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// open opens a directory that was made a year ago.
func open(t *testing.T, lease time.Duration) *store.Store {
	t.Helper()
	dir := t.TempDir()
	format, made := filepath.Join(dir, "FORMAT"), time.Now().AddDate(-1, 0, 0)
	err := os.WriteFile(format, []byte(store.FormatVersion), 0o600)
	if err == nil {
		err = os.Chtimes(format, made, made)
	}
	if err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(store.Config{Dir: dir, Lease: lease})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func create(t *testing.T, s *store.Store) job.Spec {
	t.Helper()
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	spec := job.Spec{ID: id, Style: "some-style", Strength: 1, Size: 512, Format: "jpeg", Quality: 90,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Input: job.Input{Format: "png", Width: 3, Height: 2}}
	if err := s.Create(&spec, []byte("picture"), nil); err != nil {
		t.Fatal(err)
	}
	return spec
}

func claim(t *testing.T, s *store.Store, id job.ID) *store.Lease {
	t.Helper()
	l, err := s.Claim(t.Context(), id, 1, "tester")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// files lists the files below dir, relative to it.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			all = append(all, strings.TrimPrefix(path, dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestJobFromSubmissionToResult(t *testing.T) {
	s := open(t, 0)
	spec := create(t, s)
	j, err := s.Job(spec.ID)
	if err != nil || j.State != job.Queued || j.Attempts != 0 || j.Run != 1 || !j.CreatedAt.Equal(spec.CreatedAt) {
		t.Fatalf("after Create: %+v, %v", j, err)
	}
	if photo, style, err := s.Pictures(&spec); err != nil || string(photo) != "picture" || style != nil {
		t.Fatalf("the pictures: %q, %q, %v", photo, style, err)
	}
	if _, _, err := s.Result(spec.ID); !errors.Is(err, job.ErrNotFinished) {
		t.Errorf("the result of a queued job: %v", err)
	}

	l := claim(t, s, spec.ID)
	if l.Attempt != 1 || l.Spec.Input.SHA256 == "" || l.Spec.Input.Bytes != 7 {
		t.Errorf("the lease: %+v", l)
	}
	if j, err = s.Job(spec.ID); err != nil || j.State != job.Running || j.Attempts != 1 || j.StartedAt == nil {
		t.Fatalf("after Claim: %+v, %v", j, err)
	}
	if err := l.Renew(); err != nil {
		t.Error(err)
	}
	if err := l.Succeed([]byte("painted"), nil, job.Result{Width: 3, Height: 2, ContentType: "image/jpeg"}, job.Receipt{Worker: "daemon"}); err != nil {
		t.Fatal(err)
	}
	f, j, err := s.Result(spec.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if b, err := io.ReadAll(f); err != nil || string(b) != "painted" {
		t.Errorf("the result: %q, %v", b, err)
	}
	if j.State != job.Succeeded || j.Result.Bytes != 7 || j.Receipt.Worker != "daemon" || j.FinishedAt == nil {
		t.Errorf("the job: %+v", j)
	}
	if _, err := s.Claim(t.Context(), spec.ID, 1, "late"); !errors.Is(err, job.ErrFinished) {
		t.Errorf("a claim after the end: %v", err)
	}
	for _, name := range files(t, s.Dir()) {
		if strings.Contains(name, "tmp") || strings.HasPrefix(name, "active") {
			t.Errorf("%s was left behind", name)
		}
	}
}

func TestUnknownJobsAndBadIDs(t *testing.T) {
	s := open(t, 0)
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Job(id); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("an unknown job: %v", err)
	}
	if _, err := s.Claim(t.Context(), id, 1, "w"); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("a claim of an unknown job: %v", err)
	}
	for _, bad := range []job.ID{"", "..", "../../../../etc/passwd"} {
		spec := job.Spec{ID: bad}
		for name, call := range map[string]func() error{
			"Job":        func() error { _, err := s.Job(bad); return err },
			"Spec":       func() error { _, err := s.Spec(bad); return err },
			"Pictures":   func() error { _, _, err := s.Pictures(&spec); return err },
			"Result":     func() error { _, _, err := s.Result(bad); return err },
			"Thumbnail":  func() error { _, _, err := s.Thumbnail(bad); return err },
			"Claim":      func() error { _, err := s.Claim(t.Context(), bad, 1, "w"); return err },
			"Cancel":     func() error { _, err := s.Cancel(bad); return err },
			"Fail":       func() error { _, err := s.Fail(bad, 1, job.Failure{}); return err },
			"Retry":      func() error { _, _, err := s.Retry(bad); return err },
			"Erase":      func() error { return s.Erase(bad, store.Erased) },
			"Tombstone":  func() error { _, err := s.Tombstone(bad); return err },
			"Discard":    func() error { return s.Discard(&spec) },
			"Create":     func() error { return s.Create(&spec, nil, nil) },
			"CreateOnce": func() error { _, _, err := s.CreateOnce(&spec, nil, nil, "key"); return err },
			"List":       func() error { _, _, err := s.List(store.Query{Limit: 1, Before: bad + "x"}); return err },
		} {
			if err := call(); !errors.Is(err, job.ErrBadID) {
				t.Errorf("%s(%q): %v", name, bad, err)
			}
		}
	}
}

// If the directory is not mounted, the error is not that there is no such job.
func TestUnavailableStoreIsNotUnknownJob(t *testing.T) {
	s := open(t, 0)
	spec := create(t, s)
	if err := os.Rename(s.Dir(), s.Dir()+".away"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(s.Dir() + ".away") })
	for name, read := range map[string]func() error{
		"Job":      func() error { _, err := s.Job(spec.ID); return err },
		"Spec":     func() error { _, err := s.Spec(spec.ID); return err },
		"Pictures": func() error { _, _, err := s.Pictures(&spec); return err },
		"Claim":    func() error { _, err := s.Claim(t.Context(), spec.ID, 1, "w"); return err },
	} {
		if err := read(); !errors.Is(err, job.ErrStoreUnavailable) || errors.Is(err, job.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStatusIsRepairedFromTheFinalRecord(t *testing.T) {
	s := open(t, 0)
	spec := create(t, s)
	l := claim(t, s, spec.ID)
	status, err := filepath.Glob(filepath.Join(s.Dir(), "jobs/*/*/*/*", string(spec.ID), "status.json"))
	if err != nil || len(status) != 1 {
		t.Fatal(status, err)
	}
	stale, err := os.ReadFile(status[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Fail(job.Failure{Code: "damaged_image", Message: "the image is damaged"}); err != nil {
		t.Fatal(err)
	}
	// As after a crash before the status was replaced.
	if err := errors.Join(os.WriteFile(status[0]+".old", stale, 0o600), os.Rename(status[0]+".old", status[0])); err != nil {
		t.Fatal(err)
	}
	j, err := s.Job(spec.ID)
	if err != nil || j.State != job.Failed || j.Error == nil || j.Error.Code != "damaged_image" {
		t.Errorf("got %+v, %v", j, err)
	}
}

// A full disk, or a directory that can't be written, leaves nothing of the job.
func TestCreateLeavesNothingBehindAfterAnError(t *testing.T) {
	s := open(t, 0)
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	// A file in place of the hour's folder.
	if err := os.WriteFile(filepath.Join(s.Dir(), "jobs", id.Time().Format("2006")), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	before := files(t, s.Dir())
	if err := s.Create(&job.Spec{ID: id, Format: "jpeg", CreatedAt: time.Now()}, []byte("picture"), nil); err == nil {
		t.Fatal("no error")
	}
	if after := files(t, s.Dir()); len(after) != len(before) {
		t.Errorf("before %v, after %v", before, after)
	}
	if left, _ := os.ReadDir(filepath.Join(s.Dir(), "tmp")); len(left) != 0 {
		t.Errorf("in tmp: %v", left)
	}
}

func TestDiscard(t *testing.T) {
	s := open(t, 0)
	spec := create(t, s)
	if err := s.Discard(&spec); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Job(spec.ID); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("after Discard: %v", err)
	}
	if got := files(t, s.Dir()); len(got) != 1 || got[0] != "FORMAT" {
		t.Errorf("left behind: %v", got)
	}
}

func TestOpenRefusesAnotherFormat(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "FORMAT"), []byte("atelier-store 99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := store.Open(store.Config{Dir: dir})
	if err == nil || !strings.Contains(err.Error(), "atelier-store 99") {
		t.Errorf("got %v", err)
	}
	if _, err := store.Open(store.Config{}); err == nil {
		t.Error("no directory was accepted")
	}
}

// Readers see one status or the next, complete, while it is replaced again and again.
func TestReadersSeeWholeStatuses(t *testing.T) {
	s := open(t, 0)
	spec := create(t, s)
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if j, err := s.Job(spec.ID); err != nil || j.ID != spec.ID {
					t.Errorf("%+v, %v", j, err)
					return
				}
			}
		})
	}
	for range 50 {
		if err := claim(t, s, spec.ID).Release(false); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	all.Wait()
}

func TestStoredFilesAreJSONAsDocumented(t *testing.T) {
	s := open(t, 0)
	spec := create(t, s)
	specs, err := filepath.Glob(filepath.Join(s.Dir(), "jobs", spec.ID.Time().Format("2006/01/02/15"), string(spec.ID), "spec.json"))
	if err != nil || len(specs) != 1 {
		t.Fatalf("spec.json is not where DESIGN.md says: %v, %v", specs, err)
	}
	b, err := os.ReadFile(specs[0])
	if err != nil {
		t.Fatal(err)
	}
	var got job.Spec
	if err := json.NewDecoder(bytes.NewReader(b)).Decode(&got); err != nil || got.V != job.SpecVersion || got.ID != spec.ID {
		t.Errorf("%s: %v", b, err)
	}
}

// The spec is stored as submitted, with the largest size that the API allows for "as it is", by
// which it has checked that workers can hold the picture.
func TestSpecKeepsWhatWasAskedFor(t *testing.T) {
	s := open(t, 0)
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	spec := job.Spec{ID: id, Owner: "anna", Style: job.CustomStyle, Strength: 0.5, Size: 0, MaxSize: 2048, Format: "webp", Quality: 7, PreserveColors: true,
		Public: true, CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Input: job.Input{Format: "png", Width: 3, Height: 2}, StyleInput: &job.Input{Format: "gif", Width: 1, Height: 1}}
	if err := s.Create(&spec, []byte("picture"), []byte("style")); err != nil {
		t.Fatal(err)
	}
	got, err := s.Spec(id)
	if err != nil || !reflect.DeepEqual(got, spec) || got.Longest() != 2048 {
		t.Errorf("got %+v, %v, want %+v", got, err, spec)
	}
}

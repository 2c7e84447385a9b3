package store

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestChangedFolders(t *testing.T) {
	sc := newScene(t)
	public, private := sc.createAndClaimAs(true), sc.createAndClaim()
	began := time.Now().Add(-time.Second)
	if folders, err := sc.allChanged(t, time.Time{}, time.Time{}, began); err != nil || len(folders) > 0 {
		t.Errorf("nothing was published: got %q, %v", folders, err)
	}
	if err := paint(public, "painted"); err != nil {
		t.Fatal(err)
	}
	if err := paint(private, "secret"); err != nil {
		t.Fatal(err)
	}
	hour := public.Spec.ID.Time().UTC().Format("2006/01/02/15")
	want := []string{"private/" + hour, "public/" + hour, "thumbs/" + hour}
	got, err := sc.allChanged(t, time.Time{}, time.Time{}, began)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	names := Published(public.Spec.ID, "jpeg", true)
	for _, foreign := range []string{"evil.html", ".nfs0001", string(private.Spec.ID) + ".jpeg.html"} {
		if err := os.WriteFile(filepath.Join(sc.PublishedDir(), "public", hour, foreign), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := sc.PublishedIn("public/" + hour); err != nil || !slices.Equal(got, names[:1]) {
		t.Errorf("got %q, %v; want %q", got, err, names[:1])
	}
	if got, err := sc.PublishedIn("public/2020/01/01/00"); err != nil || len(got) > 0 {
		t.Errorf("of a folder that is not there: %q, %v", got, err)
	}

	later := time.Now().Add(time.Hour)
	if got, err := sc.allChanged(t, time.Time{}, time.Time{}, later); err != nil || len(got) > 0 {
		t.Errorf("nothing has changed since: got %q, %v", got, err)
	}
	// A retry of an old job publishes in the old job's hour.
	old := filepath.Join("public", "2026", "01", "02", "03")
	if err := os.MkdirAll(filepath.Join(sc.PublishedDir(), old), 0o750); err != nil {
		t.Fatal(err)
	}
	if got, err := sc.allChanged(t, time.Now().Add(-25*time.Hour), time.Time{}, began); err != nil || !slices.Equal(got, want) {
		t.Errorf("of the last day: got %q, %v; want %q", got, err, want)
	}
	if got, err := sc.allChanged(t, time.Time{}, time.Time{}, began); err != nil || !slices.Contains(got, filepath.ToSlash(old)) {
		t.Errorf("of all hours: got %q, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, _, err := sc.ChangedFolders(ctx, time.Time{}, time.Time{}, began, 10); err == nil {
		t.Error("it does not end with its context")
	}
	if err := sc.Erase(public.Spec.ID, Erased); err != nil {
		t.Fatal(err)
	}
	if got, err := sc.PublishedIn("public/" + hour); err != nil || len(got) > 0 {
		t.Errorf("erased: %q, %v", got, err)
	}
}

// allChanged returns all changed folders of a time, sorted.
func (sc scene) allChanged(t *testing.T, first, last, changed time.Time) (folders []string, err error) {
	t.Helper()
	for {
		some, _, next, err := sc.ChangedFolders(t.Context(), first, last, changed, 10)
		folders = append(folders, some...)
		if err != nil || next.IsZero() {
			slices.Sort(folders)
			return folders, err
		}
		if !last.IsZero() && !next.Before(last) {
			t.Fatalf("a call that ended at %v continues at %v", last, next)
		}
		last = next
	}
}

// A call is bounded by the folders that it finds and by those that it checks, and another one
// continues: a day of many jobs has a quarter of a million folders.
func TestChangedFoldersInParts(t *testing.T) {
	sc := newScene(t)
	hour := time.Now().UTC().Add(-5 * time.Hour).Truncate(time.Hour)
	var want []string // the youngest first
	add := func(folder string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Join(sc.PublishedDir(), folder), 0o750); err != nil {
			t.Fatal(err)
		}
		want = append(want, folder)
	}
	for i := range 2 {
		at := hour.Add(-time.Duration(i) * 30 * time.Hour)
		for _, minute := range []int{59, 58, 7, 0} {
			for _, second := range []int{59, 30, 0} {
				add(path.Join(publicDir, job.Second.Folder(at.Add(time.Duration(minute*60+second)*time.Second))))
			}
			add(path.Join(publicDir, job.Minute.Folder(at.Add(time.Duration(minute)*time.Minute))))
		}
		add(path.Join(privateDir, job.Hour.Folder(at)))
		add(path.Join(publicDir, job.Hour.Folder(at)))
	}
	var got []string
	calls := 0
	for last := (time.Time{}); ; calls++ {
		some, _, next, err := sc.ChangedFolders(t.Context(), time.Time{}, last, time.Time{}, 5)
		if err != nil || len(some) > 16 {
			t.Fatalf("%d folders, %v", len(some), err)
		}
		if got = append(got, some...); next.IsZero() {
			break
		}
		last = next
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) || calls < 3 {
		t.Errorf("in %d calls: got %q, want %q", calls, got, want)
	}
	// Unchanged folders count towards the limit as well.
	for i := range 2 * mostChecked {
		folder := job.Second.Folder(hour.Add(-100*time.Hour + time.Duration(i)*time.Second))
		if err := os.MkdirAll(filepath.Join(sc.PublishedDir(), publicDir, folder), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	folders, _, next, err := sc.ChangedFolders(t.Context(), time.Time{}, hour.Add(-50*time.Hour), time.Now().Add(time.Hour), 5)
	if err != nil || len(folders) > 0 || next.IsZero() {
		t.Errorf("of unchanged folders: %q, next %v, %v", folders, next, err)
	}
}

// If the finer folders of an hour or a minute can't be listed, the call says so, and checks the
// others. It also says so if it ends before it has reached the folder itself.
func TestChangedFoldersUnlisted(t *testing.T) {
	sc := newScene(t)
	at := time.Now().UTC().Add(-5 * time.Hour).Truncate(time.Hour)
	hour, minute := job.Hour.Folder(at), job.Minute.Folder(at.Add(7*time.Minute))
	for _, folder := range []string{
		path.Join(publicDir, job.Second.Folder(at.Add(59*time.Minute))),
		path.Join(publicDir, job.Second.Folder(at.Add(7*time.Minute))),
		path.Join(privateDir, job.Second.Folder(at.Add(59*time.Minute))),
		path.Join(privateDir, job.Second.Folder(at.Add(7*time.Minute))),
	} {
		if err := os.MkdirAll(filepath.Join(sc.PublishedDir(), folder), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	for _, bad := range []string{path.Join(publicDir, hour), path.Join(publicDir, minute)} {
		for _, op := range []string{"open", "readdir"} {
			sc.step = func(its, path string, call func() error) error {
				if its == op && path == filepath.Join(sc.PublishedDir(), bad) {
					return errors.New("input/output error")
				}
				return call()
			}
			folders, unlisted, _, err := sc.ChangedFolders(t.Context(), time.Time{}, time.Time{}, time.Time{}, 100)
			if err != nil || !slices.Equal(unlisted, []string{bad}) || !slices.Contains(folders, bad) {
				t.Errorf("%s of %s fails: unlisted %q, changed %q, %v", op, bad, unlisted, folders, err)
			}
			if other := path.Join(privateDir, job.Second.Folder(at.Add(7*time.Minute))); !slices.Contains(folders, other) {
				t.Errorf("%s of %s fails: %s is not among %q", op, bad, other, folders)
			}
		}
	}
	sc.step = func(op, path string, call func() error) error {
		if op == "readdir" && path == filepath.Join(sc.PublishedDir(), publicDir, hour) {
			return errors.New("input/output error")
		}
		return call()
	}
	_, unlisted, next, err := sc.ChangedFolders(t.Context(), time.Time{}, time.Time{}, time.Time{}, 1)
	if want := path.Join(publicDir, hour); err != nil || !slices.Equal(unlisted, []string{want}) || !next.After(at) {
		t.Errorf("a call that ends within the hour: unlisted %q, next %v, %v; want %s", unlisted, next, err, want)
	}
	sc.step = nil
}

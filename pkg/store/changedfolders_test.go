package store

import (
	"context"
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
	if _, _, err := sc.ChangedFolders(ctx, time.Time{}, time.Time{}, began, 10); err == nil {
		t.Error("it does not end when its context has ended")
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
		some, next, err := sc.ChangedFolders(t.Context(), first, last, changed, 10)
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
		some, next, err := sc.ChangedFolders(t.Context(), time.Time{}, last, time.Time{}, 5)
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
	folders, next, err := sc.ChangedFolders(t.Context(), time.Time{}, hour.Add(-50*time.Hour), time.Now().Add(time.Hour), 5)
	if err != nil || len(folders) > 0 || next.IsZero() {
		t.Errorf("of unchanged folders: %q, next %v, %v", folders, next, err)
	}
}

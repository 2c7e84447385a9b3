package store

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestPublishedSince(t *testing.T) {
	sc := newScene(t)
	public, private := sc.createAndClaimAs(true), sc.createAndClaim()
	began := time.Now().Add(-time.Second)
	if folders, err := sc.PublishedSince(t.Context(), time.Time{}, time.Time{}, began); err != nil || len(folders) > 0 {
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
	got, err := sc.PublishedSince(t.Context(), time.Time{}, time.Time{}, began)
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
	if got, err := sc.PublishedSince(t.Context(), time.Time{}, time.Time{}, later); err != nil || len(got) > 0 {
		t.Errorf("nothing has changed since: got %q, %v", got, err)
	}
	// A retry of an old job publishes in the old job's hour.
	old := filepath.Join("public", "2026", "01", "02", "03")
	if err := os.MkdirAll(filepath.Join(sc.PublishedDir(), old), 0o750); err != nil {
		t.Fatal(err)
	}
	if got, err := sc.PublishedSince(t.Context(), time.Now().Add(-25*time.Hour), time.Time{}, began); err != nil || !slices.Equal(got, want) {
		t.Errorf("of the last day: got %q, %v; want %q", got, err, want)
	}
	if got, err := sc.PublishedSince(t.Context(), time.Time{}, time.Time{}, began); err != nil || !slices.Contains(got, filepath.ToSlash(old)) {
		t.Errorf("of all hours: got %q, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sc.PublishedSince(ctx, time.Time{}, time.Time{}, began); err == nil {
		t.Error("it does not end with its context")
	}
	if err := sc.Erase(public.Spec.ID, Erased); err != nil {
		t.Fatal(err)
	}
	if got, err := sc.PublishedIn("public/" + hour); err != nil || len(got) > 0 {
		t.Errorf("erased: %q, %v", got, err)
	}
}

//go:build linux

package main

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// A mirror lists the pictures of a shared directory, and the gallery can be updated in it.
func TestMirror(t *testing.T) {
	g := small(t)
	generate(t, g)
	target, err := openTarget(g, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer target.close()
	if _, err := target.gallery.Update(t.Context(), target.store); err != nil {
		t.Fatal(err)
	}
	if changed, err := target.gallery.Update(t.Context(), target.store); err != nil || changed != 0 {
		t.Errorf("a second update has changed %d pages, %v", changed, err)
	}
	if err := newPicture(t.Context(), target, 0); err != nil {
		t.Fatal(err)
	}
	if changed, err := target.gallery.UpdateFolders(t.Context(), target.store, target.news()); err != nil || changed == 0 {
		t.Errorf("an update with a new picture has changed %d pages, %v", changed, err)
	}
	listed := 0
	for o, err := range target.gallery.Bucket().List(t.Context(), "pictures/public/") {
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, ok := store.ParsePublished(strings.TrimPrefix(o.Key, "pictures/")); ok {
			listed++
		}
	}
	if want := g.Jobs/g.Public + 1; listed != want {
		t.Errorf("%d pictures are listed, want %d", listed, want)
	}
}

// A submission costs as many calls as pkg/store/DESIGN.md says, in the small and in the large directory.
func TestCosts(t *testing.T) {
	if testing.Short() {
		t.Skip("measures for some seconds: left out with -short")
	}
	var both [2]*target
	for i := range both {
		g := small(t)
		g.Jobs = []int{100, 1000}[i]
		generate(t, g)
		target, err := openTarget(g, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer target.close()
		both[i] = target
	}
	all, err := compare(t.Context(), both[0], both[1], func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if strings.HasPrefix(c.name, "a submission") && (c.small.calls != 13 || c.large.calls != 13) || c.small.took <= 0 {
			t.Errorf("%+v", c)
		}
	}
	if len(all) != len(operations()) || !strings.Contains(costsTable(all, 100, 1000), "| a sweep | ") {
		t.Errorf("got %+v", all)
	}
}

// The retention removes all expired jobs while jobs are submitted.
func TestRetain(t *testing.T) {
	g := small(t)
	generate(t, g)
	target, err := openTarget(g, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer target.close()
	r, err := target.retain(t.Context(), 50, 500*time.Millisecond, 20, func(string) {})
	if err != nil || r.removed != g.Jobs || len(r.alone) == 0 || len(r.both) == 0 || !g.Spent {
		t.Errorf("%d jobs were removed, %d and %d submitted, %v", r.removed, len(r.alone), len(r.both), err)
	}
}

// New sections replace those of the same name, and the others stay.
func TestWrite(t *testing.T) {
	file := filepath.Join(t.TempDir(), "results.md")
	for _, made := range [][]section{{{"soak", "old\n"}, {"costs", "| a |"}}, {{"soak", "new"}}} {
		if err := write(file, made); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := read(t, file), head+"\n## costs\n\n| a |\n\n## soak\n\nnew\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := number(1234567) + " " + number(999) + " " + duration(1500*time.Microsecond); got != "1,234,567 999 1.5 ms" {
		t.Errorf("got %s", got)
	}
}

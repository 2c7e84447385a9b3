//go:build linux

package main

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// small returns an empty directory with a plan of 1,200 jobs, whose folders have all three grains. The jobs are more
// than a day old, so that the retention leaves no names for the owners' daily quotas.
func small(t *testing.T) *generated {
	t.Helper()
	p := plan{
		day:    day{Start: time.Now().UTC().Add(-30 * time.Hour).Truncate(time.Hour), Jobs: 1200, PerSecond: 20, Seed: 1},
		Owners: 3, Public: 5, Share: 7,
	}
	g, err := p.open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func generate(t *testing.T, g *generated) {
	t.Helper()
	if err := g.generate(t.Context(), func(int, int) {}); err != nil {
		t.Fatal(err)
	}
}

// names returns the paths of everything in a directory.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, _ fs.DirEntry, err error) error {
		all = append(all, path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// To the store, generated jobs are like its own: each is complete and in its owner's list, a reconciliation changes
// nothing, and the retention removes all.
func TestStoreFindsGeneratedJobs(t *testing.T) {
	g := small(t)
	generate(t, g)
	st, err := store.Open(store.Config{Dir: g.shared()})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	grains := map[int]int{}
	for i := range g.Jobs {
		id := g.id(i)
		grains[len(id.Folder())]++
		f, j, err := st.Result(id)
		if err != nil {
			t.Fatalf("job %d: %v", i, err)
		}
		b, err := io.ReadAll(f)
		f.Close()
		if err != nil || j.State != job.Succeeded || j.Owner != g.owner(i) || j.Public != g.isPublic(i) || int64(len(b)) != j.Result.Bytes {
			t.Fatalf("job %d: %+v, %d bytes, %v", i, j, len(b), err)
		}
		if off := j.FinishedAt.Sub(g.at(i)); off < -time.Millisecond || off > time.Minute {
			t.Fatalf("job %d was submitted at %v and finished at %v", i, g.at(i), j.FinishedAt)
		}
	}
	if len(grains) != 3 {
		t.Errorf("jobs by the length of their folders: %v", grains)
	}
	listed := 0
	for next, more := job.ID(""), true; more; more = next != "" {
		jobs, n, err := st.List(store.Query{Owner: ownerName(1), Before: next, Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		listed, next = listed+len(jobs), n
	}
	if want := g.Jobs / g.Owners; listed != want {
		t.Errorf("an owner's list has %d jobs, want %d", listed, want)
	}
	before := names(t, g.shared())
	later := time.Now().Add(time.Hour)
	if _, err := st.Reconcile(t.Context(), "", later, later, time.Hour); err != nil {
		t.Error(err)
	}
	if after := names(t, g.shared()); !slices.Equal(before, after) {
		t.Errorf("of %d names there are %d after a reconciliation", len(before), len(after))
	}
	if p, err := st.Expire(t.Context(), time.Now(), ""); err != nil || p.Count != g.Jobs || !p.Done {
		t.Errorf("the retention: %+v, %v", p, err)
	}
	for _, tree := range []string{"jobs", "published", "owners"} {
		for _, name := range names(t, filepath.Join(g.shared(), tree)) {
			if info, err := os.Stat(filepath.Join(g.shared(), tree, name)); err != nil || !info.IsDir() {
				t.Fatalf("left: %s/%s, %v", tree, name, err)
			}
		}
	}
}

// A generation that was killed continues, whichever files of its last chunk exist.
func TestGenerationGoesOn(t *testing.T) {
	g := small(t)
	generate(t, g)
	whole := names(t, g.shared())
	g.Done = 0
	if err := g.save(); err != nil {
		t.Fatal(err)
	}
	for i := 500; i < 900; i++ {
		if err := os.RemoveAll(filepath.Join(g.shared(), "jobs", g.id(i).Folder(), string(g.id(i)))); err != nil {
			t.Fatal(err)
		}
	}
	p := g.plan
	p.Start = time.Now() // the start in the folder's plan is used
	again, err := p.open(g.dir)
	if err != nil {
		t.Fatal(err)
	}
	generate(t, again)
	if got := names(t, g.shared()); !slices.Equal(got, whole) || again.Done != g.Jobs {
		t.Errorf("%d names, want %d; %d jobs are done", len(got), len(whole), again.Done)
	}
	p.Owners++
	if _, err := p.open(g.dir); err == nil {
		t.Error("a folder of other jobs is taken")
	}
}

// Jobs that don't fit on the disk are refused before the first is made, with the number of jobs that fit.
func TestRoom(t *testing.T) {
	g := small(t)
	templates, err := g.templates(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	private := templates[ownerName(0)][0]
	whole, bytes := private.need(1)
	shared, _ := private.need(100)
	if whole < 6 || whole > 10 || shared > whole-3 || bytes < 20_000 {
		t.Errorf("a job takes %g inodes and %g bytes, and %g inodes where 100 share their pictures", whole, bytes, shared)
	}
	if err := g.room(private); err != nil {
		t.Error(err)
	}
	g.Jobs = 1 << 50
	if err := g.room(private); err == nil || !strings.Contains(err.Error(), "--jobs ") {
		t.Errorf("got %v", err)
	}
}

// The id of a job follows from its number, and later jobs have greater ids.
func TestIDs(t *testing.T) {
	g := small(t)
	for i := range g.Jobs {
		id := g.id(i)
		if _, err := job.ParseID(string(id)); err != nil || id != g.id(i) || id.Time().Sub(g.at(i)).Abs() > time.Millisecond {
			t.Fatalf("job %d: %s at %v, want %v: %v", i, id, id.Time(), g.at(i), err)
		}
		if i > 0 && id <= g.id(i-1) {
			t.Fatalf("job %d: %s is not after %s", i, id, g.id(i-1))
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

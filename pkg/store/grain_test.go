package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Few jobs are in the hour's folder, more in that of the minute, and all others in that of the
// second: the folders of an hour and a minute stay small.
func TestGrainFollowsTheLoad(t *testing.T) {
	g := &grainChooser{testLimit: 100}
	names := map[string]int{}
	listed := 0
	count := func(folder string) (int, error) { listed++; return names[folder], nil }
	now := time.Date(2026, 11, 30, 4, 59, 30, 0, time.UTC)
	for range 250 {
		grain, err := g.choose(now, count)
		if err != nil {
			t.Fatal(err)
		}
		names[grain.Folder(now)]++
	}
	want := map[string]int{"2026/11/30/04": 100, "2026/11/30/04/59": 100, "2026/11/30/04/59/30": 50}
	for folder, n := range want {
		if names[folder] != n {
			t.Errorf("%s has %d jobs, want %d", folder, names[folder], n)
		}
	}
	if listed > 6 {
		t.Errorf("%d listings for 250 jobs", listed)
	}
	// In the next hour the choice begins again.
	if grain, err := g.choose(now.Add(time.Hour), count); grain != job.Hour || err != nil {
		t.Errorf("got %v, %v", grain, err)
	}
}

// Processes that make few ids each, such as functions, learn the load from the folders.
func TestGrainOfManyProcesses(t *testing.T) {
	const limit, processes = 100, 1000
	names := map[string]int{}
	count := func(folder string) (int, error) { return names[folder], nil }
	now := time.Date(2026, 11, 30, 4, 59, 30, 0, time.UTC)
	for range processes {
		grain, err := (&grainChooser{testLimit: limit}).choose(now, count)
		if err != nil {
			t.Fatal(err)
		}
		names[grain.Folder(now)]++
	}
	if h, m := names["2026/11/30/04"], names["2026/11/30/04/59"]; h != limit || m != limit {
		t.Errorf("%d in the hour and %d in the minute, want %d each", h, m, limit)
	}
}

// The first id of an hour costs calls to the file server, and few of the later ones do.
func TestIDsCostFewCalls(t *testing.T) {
	sc := newScene(t)
	calls := 0
	sc.step = func(_, _ string, call func() error) error { calls++; return call() }
	for range 300 {
		if _, err := sc.NewID(); err != nil {
			t.Fatal(err)
		}
	}
	if calls > 10 { // 4 listings, or a few more at the end of an hour
		t.Errorf("%d calls for 300 ids", calls)
	}
}

// jobsOfAllGrains submits jobs of the same few seconds into folders of all grains.
func (sc scene) jobsOfAllGrains(n int) (ids []job.ID) {
	sc.Helper()
	for i := range n {
		id, err := job.NewIDIn(job.Grain(i % 3))
		if err != nil {
			sc.Fatal(err)
		}
		spec := sc.spec()
		spec.ID, spec.Owner = id, "anna"
		if err := sc.Create(spec, []byte("picture"), nil); err != nil {
			sc.Fatal(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// A list is newest first, whichever folders the jobs are in, and continues where a page ended.
func TestListOverAllGrains(t *testing.T) {
	sc := newScene(t)
	ids := sc.jobsOfAllGrains(20)
	want := slices.Clone(ids)
	slices.Sort(want)
	slices.Reverse(want)
	for _, owner := range []string{"", "anna"} {
		var got []job.ID
		for q := (Query{Owner: owner, Limit: 3}); ; {
			jobs, next, err := sc.List(q)
			if err != nil {
				t.Fatal(err)
			}
			for _, j := range jobs {
				got = append(got, j.ID)
			}
			if next == "" {
				break
			}
			q.Before = next
		}
		if !slices.Equal(got, want) {
			t.Errorf("owner %q: got %v, want %v", owner, got, want)
		}
	}
}

// The newest jobs of a time with many jobs are found in folders with few names.
func TestListReadsFewNames(t *testing.T) {
	sc := newScene(t)
	first := time.Now().UTC().Truncate(time.Hour).Add(-2 * time.Hour)
	const jobs, each = 20_000, 100 * time.Millisecond
	names := map[string]int{} // by folder
	count := func(folder string) (int, error) { return names[folder], nil }
	var want []job.ID
	for i := range jobs {
		at := first.Add(time.Duration(i) * each)
		grain, err := sc.grains.choose(at, count)
		if err != nil {
			t.Fatal(err)
		}
		ms := at.UnixMilli()
		id := job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4|int(grain)))
		names[id.Folder()]++
		if err := os.MkdirAll(sc.jobDir(id), 0o750); err != nil {
			t.Fatal(err)
		}
		want = append(want, id)
	}
	slices.Reverse(want)
	read := 0
	sc.step = func(op, path string, call func() error) error {
		if op == "readdir" {
			there, err := os.ReadDir(path)
			if err != nil {
				t.Error(err)
			}
			read += len(there)
		}
		return call()
	}
	var got []job.ID
	w := walk{Store: sc.Store, root: filepath.Join(sc.dir, jobsDir), place: job.ID.Folder, visit: func(id job.ID) error {
		if len(got) == 10 {
			return errEnough
		}
		got = append(got, id)
		return nil
	}}
	err := w.run()
	sc.step = nil
	if !errors.Is(err, errEnough) || !slices.Equal(got, want[:10]) {
		t.Errorf("%v, %v; want %v", got, err, want[:10])
	}
	if read > 1500 {
		t.Errorf("%d names were read to find 10 of %d jobs", read, jobs)
	}
	for folder, n := range names {
		if n > 1000 {
			t.Errorf("%s has %d names", folder, n)
		}
	}
}

// The reconciliation costs a few calls for each folder and job, but not one for each owner in each
// folder.
func TestReconciliationOfManyOwners(t *testing.T) {
	sc := newScene(t)
	const owners = 40
	for i := range owners {
		ms := time.Now().UnixMilli() + int64(i)*1000
		spec := sc.spec()
		spec.ID = job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4|int(job.Second)))
		spec.Owner = fmt.Sprintf("owner %d", i)
		if err := sc.Create(spec, []byte("picture"), nil); err != nil {
			t.Fatal(err)
		}
		l, err := sc.Claim(t.Context(), spec.ID, 1, "w")
		if err == nil {
			err = paint(l, "painted")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var calls atomic.Int64
	sc.step = func(_, _ string, call func() error) error { calls.Add(1); return call() }
	later := time.Now().Add(72 * time.Hour)
	p, err := sc.Reconcile(t.Context(), "", later, later, time.Hour)
	sc.step = nil
	if err != nil || p.Count != 0 || !p.Done {
		t.Errorf("%+v, %v", p, err)
	}
	if n := calls.Load(); n > 25*owners {
		t.Errorf("%d calls for %d owners and as many folders and jobs", n, owners)
	}
}

// In a folder of any grain a job is worked on, counted, published and expires, and leaves nothing
// behind.
func TestJobInEachGrain(t *testing.T) {
	sc := newScene(t)
	ids := sc.jobsOfAllGrains(3)
	for _, id := range ids {
		l, err := sc.Claim(t.Context(), id, 1, "w")
		if err == nil {
			err = paint(l, "painted")
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if active, err := sc.Active(); err != nil || len(active) != 0 {
		t.Errorf("active: %v, %v", active, err)
	}
	made := map[string]hourUsage{}
	hours, err := sc.ownerHours(ownerFolder("anna"), time.Now())
	if err == nil {
		made, err = sc.countHours(ownerFolder("anna"), hours)
	}
	jobs := int64(0)
	for _, hour := range made {
		jobs += hour.Jobs
	}
	if err != nil || jobs != 3 {
		t.Errorf("counted: %+v, %v", made, err)
	}
	folders, err := sc.allChanged(t, time.Time{}, time.Time{}, time.Time{})
	if err != nil || len(folders) != 3 {
		t.Errorf("published in %v, %v", folders, err)
	}
	p, err := sc.Expire(t.Context(), time.Now().Add(2*time.Hour), "")
	if err != nil || p.Count != 3 || !p.Done {
		t.Errorf("expired: %+v, %v", p, err)
	}
	for _, top := range []string{jobsDir, publishedDir + "/" + privateDir} {
		err := fs.WalkDir(os.DirFS(sc.dir), top, func(path string, d fs.DirEntry, err error) error {
			if err == nil && (!d.IsDir() || strings.Contains(path, "-")) {
				t.Errorf("left: %s", path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

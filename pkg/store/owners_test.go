package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// inSeconds submits jobs of an owner, one in each of n seconds, in the folders of the seconds.
func (sc scene) inSeconds(owner string, n int) (ids []job.ID) {
	sc.Helper()
	first := time.Now().UTC().Truncate(time.Hour).UnixMilli()
	for i := range n {
		ms := first + int64(i)*1000
		spec := sc.spec()
		spec.ID = job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4|int(job.Second)))
		spec.Owner = owner
		if err := sc.Create(spec, []byte("picture"), nil); err != nil {
			sc.Fatal(err)
		}
		ids = append(ids, spec.ID)
	}
	return ids
}

// An owner with one job a second, among so many other jobs that each second has a folder, has
// folders of minutes: a submission and a count cost little more than with few jobs.
func TestOwnerAmongMany(t *testing.T) {
	sc := newScene(t)
	const seconds = 600
	var mu sync.Mutex
	calls, at, most := 0, 0, 0
	sc.step = func(_, _ string, call func() error) error {
		mu.Lock()
		calls++
		at++
		most = max(most, at)
		mu.Unlock()
		defer func() { mu.Lock(); at--; mu.Unlock() }()
		return call()
	}
	sc.inSeconds("anna", seconds)
	// 13, and 4 to make the folder of its second.
	if each := float64(calls) / seconds; each > 17.5 {
		t.Errorf("%.1f calls for each submission", each)
	}
	calls, most = 0, 0
	counts := sc.ownerCounts(ownerFolder("anna"))
	if err := sc.count(counts, &counts.active); err != nil {
		t.Fatal(err)
	}
	if calls > 60 || most > 64 {
		t.Errorf("a count makes %d calls, %d at a time", calls, most)
	}
}

// A list of an owner whose jobs were erased reads no more folders at a time than any other, and
// continues where it stopped.
func TestListPassesOverEmptyFolders(t *testing.T) {
	sc := newScene(t)
	old := time.Now().Add(-24 * time.Hour)
	for i := range 3 * maxScan { // older than the job
		folder := job.Minute.Folder(old.Add(-time.Duration(i) * time.Minute))
		if err := os.MkdirAll(filepath.Join(sc.ownerDir("anna"), folder), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	last := sc.inSeconds("anna", 1)[0]
	ids, lists := 0, 0
	sc.step = func(op, _ string, call func() error) error {
		if op == "readdir" {
			lists++
		}
		return call()
	}
	pages := 0
	for q := (Query{Owner: "anna", Limit: 10}); ; pages++ {
		lists = 0
		jobs, next, err := sc.List(q)
		if err != nil {
			t.Fatal(err)
		}
		if lists > maxScan+20 {
			t.Errorf("page %d: %d folders", pages, lists)
		}
		for _, j := range jobs {
			if ids++; j.ID != last {
				t.Errorf("listed: %s", j.ID)
			}
		}
		if next == "" {
			break
		}
		if q.Before != "" && next >= q.Before {
			t.Fatalf("page %d continues with %s, after %s", pages, next, q.Before)
		}
		q.Before = next
	}
	sc.step = nil
	if ids != 1 || pages < 3 || pages > 6 {
		t.Errorf("%d jobs on %d pages", ids, pages)
	}
}

// A folder that is removed while it is made is made again, and a missing source of a link is an
// error.
func TestMakeInFolder(t *testing.T) {
	sc := newScene(t)
	path := filepath.Join(sc.dir, activeDir, "owner", "2026", "11", "name")
	removed := false
	sc.step = func(op, at string, call func() error) error {
		err := call()
		if op == "mkdir" && filepath.Base(at) == "2026" && !removed {
			removed = true
			err = errors.Join(err, os.Remove(at))
		}
		return err
	}
	if err := sc.makeInFolder(path, func() error { return sc.createEmpty(path) }); err != nil || !removed {
		t.Errorf("%v, removed %t", err, removed)
	}
	sc.step = nil
	err := sc.makeInFolder(path, func() error { return sc.link(filepath.Join(sc.dir, "missing"), path+"2") })
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v, want that it does not exist", err)
	}
}

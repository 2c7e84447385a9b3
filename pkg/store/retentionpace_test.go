package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// canceledInSeconds makes canceled jobs, so many in each of some seconds of an hour.
func (sc scene) canceledInSeconds(seconds, each int) []job.ID {
	sc.Helper()
	return sc.canceledInSecondsAs(seconds, each, job.Second)
}

// canceledInSecondsAs is canceledInSeconds with a grain.
func (sc scene) canceledInSecondsAs(seconds, each int, grain job.Grain) (ids []job.ID) {
	sc.Helper()
	first := sc.create()
	if _, err := sc.Cancel(first); err != nil {
		sc.Fatal(err)
	}
	files := map[string][]byte{}
	names, err := sc.list(sc.jobDir(first))
	for _, name := range names {
		if err == nil {
			files[name], err = os.ReadFile(filepath.Join(sc.jobDir(first), name))
		}
	}
	spec, serr := sc.Spec(first)
	if err = errors.Join(err, serr); err != nil {
		sc.Fatal(err)
	}
	began := time.Now().UTC().Truncate(time.Hour).UnixMilli()
	for i := range seconds * each {
		ms := began + int64(i/each)*1000
		spec.ID = job.ID(fmt.Sprintf("%08x-%04x-7000-8000-%012x", ms>>16, ms&0xffff, i<<4|int(grain)))
		dir, entry := sc.jobDir(spec.ID), sc.ownerEntry(&spec)
		err := errors.Join(os.MkdirAll(dir, 0o750), os.MkdirAll(filepath.Dir(entry), 0o750), os.WriteFile(entry, nil, 0o600))
		for name, content := range files {
			content = bytes.ReplaceAll(content, []byte(first), []byte(spec.ID))
			err = errors.Join(err, os.WriteFile(filepath.Join(dir, name), content, 0o600))
		}
		if err != nil {
			sc.Fatal(err)
		}
		ids = append(ids, spec.ID)
	}
	return ids
}

// The retention removes more than 116 jobs a second if each call to the file server takes a
// millisecond and a client makes one change in a folder at a time.
func TestRetentionKeepsPace(t *testing.T) {
	sc := newScene(t)
	const seconds, each = 20, 64
	ids := sc.canceledInSeconds(seconds, each)
	var mu sync.Mutex
	folders := map[string]*sync.Mutex{}
	sc.step = func(op, path string, call func() error) error {
		switch op {
		case "create", "mkdir", "link", "rename", "remove":
			mu.Lock()
			one := folders[filepath.Dir(path)]
			if one == nil {
				one = new(sync.Mutex)
				folders[filepath.Dir(path)] = one
			}
			mu.Unlock()
			one.Lock()
			defer one.Unlock()
		}
		time.Sleep(time.Millisecond)
		return call()
	}
	began := time.Now()
	p, err := sc.Expire(t.Context(), began.Add(2*time.Hour), "")
	sc.step = nil
	if err != nil || p.Count != 1+len(ids) || !p.Done {
		t.Errorf("%+v, %v; want %d", p, err, 1+len(ids))
	}
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("%d jobs took %v, which is %.0f a second", p.Count, took, float64(p.Count)/took.Seconds())
	}
	if left := sc.leftovers(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// An expired job needs no file: neither a mark nor a tombstone.
func TestExpiredJobsLeaveNothing(t *testing.T) {
	sc := newScene(t)
	sc.canceledInSeconds(2, 5)
	made := 0
	var mu sync.Mutex
	sc.step = func(op, path string, call func() error) error {
		mu.Lock()
		defer mu.Unlock()
		if op == "create" || op == "mkdir" || op == "link" {
			made++
		}
		return call()
	}
	p, err := sc.Expire(t.Context(), time.Now().Add(2*time.Hour), "")
	sc.step = nil
	if err != nil || p.Count != 11 || made > 2 { // for the clock and for the horizon
		t.Errorf("%+v, %v; %d files were made", p, err, made)
	}
	for _, tree := range []string{goneDir, erasingDir, tmpDir} {
		if names, err := sc.list(filepath.Join(sc.dir, tree)); err != nil || len(names) > 0 {
			t.Errorf("in %s: %v, %v", tree, names, err)
		}
	}
}

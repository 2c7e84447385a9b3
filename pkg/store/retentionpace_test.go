package store

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// canceledInSeconds makes each canceled jobs in each of the first seconds of this hour, and returns
// them. It also makes one of the present time.
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
// millisecond and a client makes one change in a folder at a time. However fast the file server is,
// it removes at most 300, because submissions need it too.
func TestRetentionKeepsPace(t *testing.T) {
	for _, c := range []struct {
		name     string
		callTook time.Duration
		least    float64 // jobs a second
	}{
		{"on a slow file server", time.Millisecond, 116},
		{"on a fast file server", 0, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			const seconds, each = 8, 64
			now := time.Now()
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(time.Until(now)) // the clock of the bubble is about that of the file server
				sc := newScene(t)
				ids := sc.canceledInSeconds(seconds, each)
				sc.step = oneChangeAtATime(c.callTook)
				began := time.Now()
				p, err := sc.Expire(t.Context(), began.Add(2*time.Hour), "")
				took := time.Since(began)
				sc.step = nil
				if err != nil || p.Count != 1+len(ids) || !p.Done {
					t.Errorf("%+v, %v; want %d", p, err, 1+len(ids))
				}
				if rate := float64(p.Count-1) / took.Seconds(); rate < c.least || rate > 1.001*retentionRate {
					t.Errorf("%d jobs took %v, which is %.0f a second; want %.0f to %d", p.Count, took, rate, c.least, retentionRate)
				}
				if left := sc.leftovers(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

// oneChangeAtATime is the step of a store whose calls take the time callTook, and which makes one
// change in a folder at a time. Calls wait for a folder at a channel and not at a mutex, because in
// a synctest bubble a goroutine that waits for a mutex stops the clock.
func oneChangeAtATime(callTook time.Duration) func(op, path string, call func() error) error {
	var mu sync.Mutex
	folders := map[string]chan struct{}{}
	return func(op, path string, call func() error) error {
		switch op {
		case "create", "mkdir", "link", "rename", "remove":
			mu.Lock()
			one := folders[filepath.Dir(path)]
			if one == nil {
				one = make(chan struct{}, 1)
				folders[filepath.Dir(path)] = one
			}
			mu.Unlock()
			one <- struct{}{}
			defer func() { <-one }()
		}
		time.Sleep(callTook)
		return call()
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

package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A held is a worker's claim on a job whose run has not ended.
type held struct {
	id       job.ID
	claim    int // its number
	pid      int // of the worker
	attempts int // this one included
}

// holds are the claims on some of the jobs that were not given back; those that
// ran out are among them.
func (d *demo) holds(ids []job.ID) (hs []held) {
	d.Helper()
	for _, id := range ids {
		if h, ok := d.hold(id); ok {
			hs = append(hs, h)
		}
	}
	return hs
}

func (d *demo) hold(id job.ID) (h held, ok bool) {
	d.Helper()
	h.id = id
	run, ended := 1, map[int]bool{}
	for _, name := range d.files(id) {
		kind, number, _ := strings.Cut(name, ".")
		n, _ := strconv.Atoi(number) // of other names nobody wants to know
		switch kind {
		case "run":
			run = max(run, n)
		case "final":
			ended[n] = true
		case "claim":
			h.claim = max(h.claim, n)
		}
	}
	if ended[run] || h.claim == 0 {
		return h, false
	}
	path := filepath.Join(jobDir(d.dir, id), fmt.Sprintf("claim.%d", h.claim))
	info, err := os.Stat(path)
	var b []byte
	if err == nil {
		b, err = os.ReadFile(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return h, false // erased
	}
	var claim struct {
		Worker        string
		Run, Attempts int
	}
	if err == nil {
		err = json.Unmarshal(b, &claim)
	}
	if err == nil {
		h.pid, err = strconv.Atoi(claim.Worker[strings.LastIndex(claim.Worker, "/")+1:])
	}
	if err != nil {
		d.Fatalf("%s: %v", path, err)
	}
	h.attempts = claim.Attempts
	givenBack := info.ModTime().Unix() <= 1
	return h, claim.Run == run && !givenBack
}

// files are the names in a job's folder; none of one that is erased.
func (d *demo) files(id job.ID) (names []string) {
	d.Helper()
	entries, err := os.ReadDir(jobDir(d.dir, id))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// freeze stops a process of the stack at whatever instruction it is, so that what
// it holds can be read off the disk and stays so. thaw lets it go on.
func (d *demo) freeze(pid int) (frozen bool) {
	d.Helper()
	// Whatever a file says, nobody else's process is to be hit.
	if !slices.ContainsFunc(d.processes(), func(p process) bool { return p.pid == pid }) {
		return false
	}
	if syscall.Kill(pid, syscall.SIGSTOP) != nil {
		return false
	}
	waitFor(d.T, func() bool {
		stats, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		for _, path := range stats {
			b, err := os.ReadFile(path)
			if err != nil {
				return false // a thread has ended; look again
			}
			// number (name) state ...
			if state := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])[0]; string(state) != "T" {
				return false
			}
		}
		return true
	})
	return true
}

func (d *demo) thaw(pid int) {
	d.Helper()
	if err := syscall.Kill(pid, syscall.SIGCONT); err != nil {
		d.Fatal(err)
	}
}

// strike kills a process outright while it has jobs in hand, and answers them. It
// spares one that has nothing in hand, or a job at its last attempt: losing that,
// too, would rightly end the job.
func (d *demo) strike(pid int, ids []job.ID) (hit []held) {
	d.Helper()
	if !d.freeze(pid) {
		return nil
	}
	hit = slices.DeleteFunc(d.holds(ids), func(h held) bool { return h.pid != pid })
	last := slices.ContainsFunc(hit, func(h held) bool { return h.attempts >= store.DefaultMaxAttempts })
	if len(hit) == 0 || last {
		d.thaw(pid)
		return nil
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		d.Fatal(err)
	}
	return hit
}

// catch submits pictures until a worker has one in hand, and freezes the worker.
func (d *demo) catch(submit func() job.ID) held {
	d.Helper()
	for {
		id := submit()
		var h held
		waitFor(d.T, func() (ok bool) { h, ok = d.hold(id); return ok || slices.Contains(d.files(id), "final.1") })
		if h.pid != 0 && d.freeze(h.pid) {
			if now, ok := d.hold(id); ok && now == h {
				return h
			}
			d.thaw(h.pid)
		}
	}
}

// settled waits until nobody has anything to do any more, and checks what is left
// of jobs that were painted.
func (d *demo) settled(ids ...job.ID) {
	d.Helper()
	waitFor(d.T, func() bool {
		entries, err := os.ReadDir(d.active())
		if err != nil {
			d.Fatal(err)
		}
		return len(entries) == 0
	})
	for _, id := range ids {
		d.tidy(id)
	}
}

// active is where jobs are named that are not finished, or not tidy.
func (d *demo) active() string { return filepath.Join(d.dir, "shared", "active") }

func isClaim(name string) bool { return strings.HasPrefix(name, "claim.") }

// tidy checks that of a job that was painted only what is wanted is left.
func (d *demo) tidy(id job.ID) {
	d.Helper()
	b, err := os.ReadFile(filepath.Join(jobDir(d.dir, id), "final.1"))
	var final struct{ Claim int }
	if err == nil {
		err = json.Unmarshal(b, &final)
	}
	if err != nil {
		d.Errorf("job %s: %v", id, err)
		return
	}
	want := []string{"final.1", "input", fmt.Sprintf("out.%d", final.Claim), "spec.json", "status.json"}
	got := slices.DeleteFunc(d.files(id), isClaim)
	if !slices.Equal(got, want) {
		d.Errorf("job %s has %q, want %q and its claims", id, got, want)
	}
	if of := d.files(id); !slices.Contains(of, fmt.Sprintf("claim.%d", final.Claim)) {
		d.Errorf("job %s has %q and is painted by claim %d", id, of, final.Claim)
	}
}

// onlyJobs checks that beside the jobs there are no drafts nor half-erased ones.
func (d *demo) onlyJobs() {
	d.Helper()
	left, err := filepath.Glob(filepath.Join(d.dir, "shared", "jobs", "*", "*", "*", "*", ".*"))
	if err != nil || len(left) > 0 {
		d.Errorf("left behind: %v, %v", left, err)
	}
}

// swept checks that the next sweep removes what killed processes left in tmp/,
// once it is as old as such things must be.
func (d *demo) swept() {
	d.Helper()
	tmp := filepath.Join(d.dir, "shared", "tmp")
	entries, err := os.ReadDir(tmp)
	if err != nil {
		d.Fatal(err)
	}
	var left []string
	for _, e := range entries {
		path := filepath.Join(tmp, e.Name())
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(path, old, old); err == nil { // else it was one of the living
			left = append(left, path)
		}
	}
	d.Logf("%d files were left in tmp/", len(left))
	waitFor(d.T, func() bool {
		return !slices.ContainsFunc(left, func(path string) bool { _, err := os.Stat(path); return err == nil })
	})
}

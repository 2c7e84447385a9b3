package main_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// freeze stops a process of the stack at any instruction, so that its state on disk can be read and
// does not change. thaw lets it continue.
func (d *demo) freeze(pid int) (frozen bool) {
	d.Helper()
	// A file may have an outdated process id: never signal a process outside of the stack.
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
				return false // a thread has ended: check again
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

// killAtWork kills a process while it is processing jobs, and returns them. It does not kill a process
// without jobs, or with a job at its last attempt, because losing that attempt would correctly end
// the job.
func (d *demo) killAtWork(pid int, ids []job.ID) (hit []held) {
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

// catch submits pictures until a worker is processing one, and freezes the worker.
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

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

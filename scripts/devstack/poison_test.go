package main_test

import (
	"os"
	"regexp"
	"slices"
	"syscall"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// A picture that kills its worker each time is given up without affecting others: the stack
// restarts the daemon, and the other jobs are painted.
func TestUsePoisonJobFails(t *testing.T) {
	d := start(t, "server", "ATELIER_LEASE=2s", "ATELIER_SWEEP_EVERY=1s")
	small, large := apitest.Stripes(t, 320, 240), apitest.Stripes(t, 2000, 1500)
	ids := []job.ID{d.submit(small), d.submit(large)}
	var deaths []held
	caught := d.catch(func() job.ID {
		id := d.submit(large)
		ids = append(ids, id, d.submit(large), d.submit(small))
		return id
	})
	poison := caught.id
	for {
		if err := syscall.Kill(caught.pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		deaths = append(deaths, caught)
		if len(deaths) == 1+store.DefaultMaxAttempts { // the first does not count: its worker had several jobs
			break
		}
		ids = append(ids, d.submit(large), d.submit(large)) // jobs that can run at the same time
		caught = d.freezeWhenAlone(caught)
	}
	for i, death := range deaths {
		if want := max(1, i); death.attempts != want {
			t.Errorf("death %d was at attempt %d, want %d", i+1, death.attempts, want)
		}
	}
	var j job.Job
	waitFor(t, func() bool { j = d.Read(poison); return j.State.Finished() })
	if j.State != job.Failed || j.Error == nil || j.Error.Code != job.CodeGaveUp || j.Attempts != store.DefaultMaxAttempts || j.Result != nil {
		t.Errorf("after %d deaths: %+v, %+v", len(deaths), j, j.Error)
	}
	d.oneOutcome(poison)
	others := slices.DeleteFunc(ids, func(id job.ID) bool { return id == poison })
	for _, id := range others {
		if j := d.painted(id); j.Attempts > 1 {
			t.Errorf("job %s needed %d attempts: the death of a process with several jobs counts for none", id, j.Attempts)
		}
	}
	d.output.waitFor(t, regexp.MustCompile(`worker-daemon died \(signal: killed\)`))

	// After the cause is repaired, a retry paints the picture.
	d.submitter("retry", string(poison), "--wait")
	if j := d.Read(poison); j.State != job.Succeeded || j.Run != 2 || j.Attempts != 1 {
		t.Errorf("its retry: %+v, %+v", j, j.Error)
	}
	d.settled(others...)
	d.swept()
	d.end(os.Interrupt)
	if d.Reaches("/healthz") {
		t.Error("the API still runs after the end of the stack")
	}
	noTemporaryFiles(t, d.dir)
}

// freezeWhenAlone waits until a job is being processed again, as the only job of its worker, and freezes
// the worker. A worker that claims the job beside others gives it back, and is not frozen.
func (d *demo) freezeWhenAlone(before held) (h held) {
	d.Helper()
	waitFor(d.T, func() bool {
		if slices.Contains(d.files(before.id), "final.1") {
			d.Fatalf("job %s, which had killed its worker, was not begun again alone", before.id)
		}
		var ok bool
		h, ok = d.hold(before.id)
		if !ok || h.claim <= before.claim || !d.freeze(h.pid) {
			return false
		}
		if now, ok := d.hold(before.id); ok && now == h && d.alone(h) {
			return true
		}
		d.thaw(h.pid)
		return false
	})
	return h
}

// alone returns whether a job is the only one that its worker is processing.
func (d *demo) alone(h held) bool {
	d.Helper()
	for _, id := range d.active() {
		if other, ok := d.hold(id); ok && other.pid == h.pid && other.id != h.id {
			return false
		}
	}
	return true
}

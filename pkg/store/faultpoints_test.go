package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// The functions in this file intercept the store's calls to its disk, for tests that crash at each
// call in turn, or let it fail or lose its reply (faults_test.go).

// errCrash is the error of calls of a process that has crashed.
var errCrash = errors.New("the process is dead")

// crashAt makes the store's process crash before its n-th call from now: that call and all later
// ones are not made. revive makes the store work again, as another process, and reports whether the
// crash was reached.
func (sc scene) crashAt(n int) (revive func() (crashed bool)) {
	calls := 0
	var mu sync.Mutex
	sc.step = func(_, _ string, call func() error) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls > n {
			return errCrash
		}
		return call()
	}
	return func() bool { sc.step = nil; return calls > n }
}

// failAt makes the n-th call from now return an error. The call itself is made only if lost is set,
// as if the file server's reply was lost.
func (sc scene) failAt(n int, lost bool, fault error) (revive func() bool) {
	calls := 0
	var mu sync.Mutex
	sc.step = func(_, _ string, call func() error) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls != n+1 {
			return call()
		}
		if lost {
			if err := call(); err != nil {
				return err
			}
		}
		return fault
	}
	return func() bool { sc.step = nil; return calls > n }
}

// faults are the ways in which the n-th call fails.
var faults = []struct {
	name string
	at   func(sc scene, n int) func() bool
}{
	{"crash", scene.crashAt},
	{"error", func(sc scene, n int) func() bool { return sc.failAt(n, false, errors.New("input/output error")) }},
	{"lost reply", func(sc scene, n int) func() bool { return sc.failAt(n, true, errors.New("timed out")) }},
	{"stale", func(sc scene, n int) func() bool { return sc.failAt(n, false, syscall.ESTALE) }},
	{"reply lost and sent again", func(sc scene, n int) func() bool { return sc.resendAt(n) }},
}

// resendAt loses the reply of the n-th call and makes the call again, as an NFS client does: then a
// link or a mkdir finds that the name exists, and a rename or a remove finds nothing.
func (sc scene) resendAt(n int) (revive func() bool) {
	calls := 0
	var mu sync.Mutex
	sc.step = func(op, _ string, call func() error) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls == n+1 && slices.Contains([]string{"link", "mkdir", "rename", "remove"}, op) {
			if err := call(); err != nil {
				return err
			}
		}
		return call()
	}
	return func() bool { sc.step = nil; return calls > n }
}

// everyStep runs an operation with each fault at each of its calls, and then calls check.
func everyStep(t *testing.T, prepare func(sc scene) func() error, check func(sc scene, acted error)) {
	t.Helper()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			for n, more := 0, true; more; n++ {
				t.Run(fmt.Sprintf("at call %d", n), func(t *testing.T) {
					sc := newScene(t)
					act := prepare(sc)
					revive := f.at(sc, n)
					err := act()
					more = revive()
					check(sc, err)
				})
			}
		})
	}
}

// runToEnd does what follows a fault, until the job is finished: leases expire, the sweeper sweeps,
// and messages are delivered again.
func (sc scene) runToEnd(id job.ID) job.Job {
	sc.Helper()
	for range 20 {
		sc.expire(id)
		sc.sweep()
		j, err := sc.Job(id)
		if err != nil {
			sc.Fatalf("the job: %v", err)
		}
		if j.State.Finished() {
			sc.sweep()
			return j
		}
		l, err := sc.Claim(sc.Context(), id, j.Run, "successor")
		if err == nil {
			err = paint(l, "by a successor")
		}
		if err != nil && !errors.Is(err, job.ErrFinished) {
			sc.Fatalf("a successor: %v", err)
		}
	}
	sc.Fatal("the job is never finished")
	return job.Job{}
}

// sweep does what the sweeper does with the directory, much later.
func (sc scene) sweep() {
	sc.Helper()
	ids, err := sc.Active()
	if err != nil {
		sc.Fatal(err)
	}
	later := time.Now().Add(72 * time.Hour)
	marks, err := filepath.Glob(filepath.Join(sc.dir, erasingDir, "*"))
	for _, path := range marks {
		err = errors.Join(err, os.Chtimes(path, later.Add(-144*time.Hour), later.Add(-144*time.Hour)))
	}
	if err != nil {
		sc.Fatal(err)
	}
	for _, id := range ids {
		if _, err := sc.Checkup(id, later, time.Hour); err != nil &&
			!errors.Is(err, job.ErrFinished) && !errors.Is(err, job.ErrGone) && !errors.Is(err, job.ErrNotFound) {
			sc.Fatal(err)
		}
	}
	if err := errors.Join(sc.endAllErasures(), sc.CleanUp(context.Background(), later, time.Hour), sc.reconcileAll(later)); err != nil {
		sc.Fatal(err)
	}
}

// endAllErasures completes all erasures.
func (sc scene) endAllErasures() error {
	_, err := sc.EndErasures(context.Background(), "")
	return err
}

// reconcileAll reconciles all folders.
func (sc scene) reconcileAll(later time.Time) error {
	_, err := sc.Reconcile(context.Background(), "", later, later, time.Hour)
	return err
}

package store

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A call that finds a folder or file replaced by another client (ESTALE) is repeated, in every
// operation, and no error is returned.
func TestStaleCallsAreRepeated(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(sc scene, id job.ID) error
	}{
		{"submit", func(sc scene, _ job.ID) error { return sc.Create(sc.spec(), []byte("picture"), nil) }},
		{"submit under a key", func(sc scene, _ job.ID) error {
			_, _, err := sc.CreateOnce(sc.spec(), []byte("picture"), nil, "key")
			return err
		}},
		{"cancel", func(sc scene, id job.ID) error { _, err := sc.Cancel(id); return err }},
		{"claim", func(sc scene, id job.ID) error { _, err := sc.Claim(sc.Context(), id, 1, "w"); return err }},
		{"list", func(sc scene, id job.ID) error {
			jobs, _, err := sc.List(Query{Limit: 9})
			if err == nil && !slices.ContainsFunc(jobs, func(j job.Job) bool { return j.ID == id }) {
				err = fmt.Errorf("the job is not among %v", jobs)
			}
			return err
		}},
		{"list active jobs", func(sc scene, id job.ID) error {
			if got := sc.entries(); len(got) != 1 || got[0] != id {
				return fmt.Errorf("active are %v", got)
			}
			return nil
		}},
		{"take a turn", func(sc scene, _ job.ID) error {
			won, err := sc.Turn(time.Hour)
			if err == nil && !won {
				err = errors.New("it was not won")
			}
			return err
		}},
		{"note", func(sc scene, _ job.ID) error { return sc.SetNote(SweepNote, []byte("{}")) }},
		{"erase", func(sc scene, id job.ID) error { return sc.Erase(id, Erased) }},
		{"expire", func(sc scene, id job.ID) error {
			_, err := sc.Expire(sc.Context(), time.Now().Add(2*time.Hour), "")
			return err
		}},
		{"reconcile", func(sc scene, _ job.ID) error { return sc.reconcileAll(time.Now().Add(72 * time.Hour)) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for n, more := 0, true; more; n++ {
				sc := newScene(t)
				id := sc.create()
				var what string
				more, what = sc.staleAt(n, func() {
					if err := c.do(sc, id); err != nil {
						t.Errorf("at call %d: %v", n, err)
					}
				})
				if t.Failed() {
					t.Fatalf("call %d is %s", n, what)
				}
			}
		})
	}
}

// staleAt makes the n-th call of do fail as stale, without calls on open files, which are not
// repeated. It returns whether there were so many calls, and which call that was.
func (sc scene) staleAt(n int, do func()) (more bool, what string) {
	var mu sync.Mutex
	calls := 0
	sc.step = func(op, path string, call func() error) error {
		mu.Lock()
		defer mu.Unlock()
		if op == "write" || op == "fsync" {
			return call()
		}
		if calls++; calls == n+1 {
			what = op + " " + path
			return syscall.ESTALE
		}
		return call()
	}
	do()
	sc.step = nil
	return calls > n, what
}

// A folder may be replaced between its opening and its sync.
func TestStaleFolderIsSyncedAgain(t *testing.T) {
	sc := newScene(t)
	stale := 2
	sc.step = func(op, _ string, call func() error) error {
		if op == "fsync" && stale > 0 {
			stale--
			return syscall.ESTALE
		}
		return call()
	}
	err := sc.syncDir(sc.dir)
	sc.step = nil
	if err != nil || stale != 0 {
		t.Errorf("%v; %d left", err, stale)
	}
}

package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A job is retried while another process completes its last run. The sweeper finds a run that was
// begun, at whichever call the process that retries dies, and even if the NFS client of the other
// one has cached that the run does not exist.
func TestRetryDuringCompletionIsNotLost(t *testing.T) {
	// The process that retries has made some calls when the other one completes the run, and dies
	// after some more.
	for before := range 20 {
		for after := range 8 {
			sc := newScene(t)
			l := sc.createAndClaim()
			id := l.Spec.ID
			if err := l.Fail(job.Failure{Code: "gave_up"}); err != nil {
				t.Fatal(err)
			}
			if err := sc.activate(sc.activePath("", id)); err != nil { // as before the completion
				t.Fatal(err)
			}
			completer := &Store{dir: sc.dir, lease: sc.lease, maxAttempts: sc.maxAttempts}
			completer.step = func(op, path string, call func() error) error {
				if op == "stat" && filepath.Base(path) == runFile(2) {
					return fs.ErrNotExist // as cached by an earlier poll
				}
				return call()
			}
			seen, err := completer.openJobFolder(id)
			if err != nil {
				t.Fatal(err)
			}
			calls := 0
			sc.step = func(_, _ string, call func() error) error {
				if calls++; calls == before+1 {
					if err := completer.repairEnded(seen); err != nil {
						t.Log(err) // the entry is kept
					}
				}
				if calls > before+after {
					return errCrash
				}
				return call()
			}
			_, _, err = sc.Retry(id)
			sc.step = nil
			seen.close()
			run, rerr := sc.readFromEvents(id)
			if rerr != nil {
				t.Fatal(rerr)
			}
			active, aerr := sc.exists(sc.activePath("", id))
			if aerr != nil {
				t.Fatal(aerr)
			}
			if run.Run == 2 && !active {
				t.Errorf("completed at call %d, crashed after %d more (%v): run 2 is %s, and not in active/", before, after, err, run.State)
			}
			if before >= calls {
				break
			}
		}
	}
}

// A submission seems to have died, and the sweeper removes what it has left; just then the same
// request is repeated. If a caller gets a job, it is complete, under its key, and in the indexes.
func TestRemovedDraftIsNotAccepted(t *testing.T) {
	for n := range 14 {
		sc := newScene(t)
		died := sc.spec()
		died.Owner = "anna"
		sc.step = func(op, _ string, call func() error) error {
			if op == "rename" { // it has the key, but the draft is not moved yet
				return errCrash
			}
			return call()
		}
		_, _, err := sc.CreateOnce(died, []byte("picture"), nil, "key")
		sc.step = nil
		if !errors.Is(err, errCrash) {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Hour)
		sweeper := &Store{dir: sc.dir, lease: sc.lease, maxAttempts: sc.maxAttempts}
		var again job.Job
		var aerr error
		calls := 0
		repeat := func() {
			spec := sc.spec()
			spec.Owner = "anna"
			again, _, aerr = sc.CreateOnce(spec, []byte("picture"), nil, "key")
		}
		sweeper.step = func(_, _ string, call func() error) error {
			if calls++; calls == n+1 {
				repeat()
			}
			return call()
		}
		_, cerr := sweeper.Checkup(EntryOf(died.New()), later, time.Minute)
		if calls <= n {
			break
		}
		if aerr != nil {
			continue // nothing was accepted
		}
		photo, _, perr := sc.Pictures(&job.Spec{ID: again.ID, Input: job.Input{Bytes: 7}})
		if perr != nil || string(photo) != "picture" {
			t.Errorf("repeated at call %d: %q, %v", n, photo, perr)
		}
		if active, err := sc.exists(sc.activePath("anna", again.ID)); err != nil || !active {
			t.Errorf("repeated at call %d (%v): the sweeper does not know of job %s", n, cerr, again.ID)
		}
		if jobs, _, err := sc.List(Query{Owner: "anna", Limit: 9}); err != nil || len(jobs) != 1 {
			t.Errorf("repeated at call %d: anna's jobs: %d, %v", n, len(jobs), err)
		}
		first := again.ID
		if repeat(); aerr != nil || again.ID != first {
			t.Errorf("repeated at call %d: job %s, and once more: job %s, %v", n, first, again.ID, aerr)
		}
	}
}

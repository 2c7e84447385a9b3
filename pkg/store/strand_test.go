package store

import (
	"io/fs"
	"path/filepath"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// A job is retried while whoever ended its run tidies up. Whatever the retrier
// dies of, and whatever names the other's NFS client remembers to be missing, the
// sweeper knows of a run that was begun.
func TestRetryDuringTheTidyingUpIsNotStranded(t *testing.T) {
	// The retrier has made so many calls when the tidying up is done, and dies
	// after so many more.
	for before := range 20 {
		for after := range 8 {
			sc := newScene(t)
			l := sc.claimed()
			id := l.Spec.ID
			if err := l.Fail(job.Failure{Code: "gave_up"}); err != nil {
				t.Fatal(err)
			}
			if err := sc.activate(id); err != nil { // as before the tidying up
				t.Fatal(err)
			}
			tidier := &Store{dir: sc.dir, lease: sc.lease, maxAttempts: sc.maxAttempts, keys: sc.keys}
			tidier.step = func(op, path string, call func() error) error {
				if op == "stat" && filepath.Base(path) == runFile(2) {
					return fs.ErrNotExist // as of a poll a while ago
				}
				return call()
			}
			seen, err := tidier.look(id)
			if err != nil {
				t.Fatal(err)
			}
			calls := 0
			sc.step = func(_, _ string, call func() error) error {
				if calls++; calls == before+1 {
					if err := tidier.tidy(seen); err != nil {
						t.Log(err) // the entry stays
					}
				}
				if calls > before+after {
					return errCrash
				}
				return call()
			}
			_, err = sc.Retry(id)
			sc.step = nil
			seen.close()
			run, rerr := sc.derive(id)
			if rerr != nil {
				t.Fatal(rerr)
			}
			active, aerr := sc.exists(sc.activeAt(id))
			if aerr != nil {
				t.Fatal(aerr)
			}
			if run.Run == 2 && !active {
				t.Errorf("tidied up at call %d, dead after %d more (%v): run 2 is %s, and nobody knows", before, after, err, run.State)
			}
			if before >= calls {
				break
			}
		}
	}
}

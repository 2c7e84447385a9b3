package store

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestFaultsInSubmission(t *testing.T) {
	everyStep(t, func(sc scene) func() error {
		*sc.submission = *sc.spec()
		sc.submission.Owner = "anna"
		return func() error { return sc.Create(sc.submission, []byte("picture"), nil) }
	}, func(sc scene, err error) {
		j, rerr := sc.Job(sc.submission.ID)
		switch {
		case err == nil && rerr != nil:
			sc.Fatalf("the submission succeeded, and then: %v", rerr)
		case rerr == nil:
			sc.checkFinished(sc.runToEnd(j.ID))
		case !errors.Is(rerr, job.ErrNotFound):
			sc.Fatalf("the job: %v; want that it exists or is not found", rerr)
		default:
			sc.sweep()
			if left := sc.leftovers(); len(left) > 0 {
				sc.Errorf("left behind: %v", left)
			}
		}
	})
}

// A request with a key is repeated until it succeeds, and makes one job.
func TestFaultsInSubmissionUnderAKey(t *testing.T) {
	everyStep(t, func(sc scene) func() error {
		return func() error { _, _, err := sc.CreateOnce(sc.spec(), []byte("picture"), nil, "key"); return err }
	}, func(sc scene, err error) {
		j, made, again := sc.CreateOnce(sc.spec(), []byte("picture"), nil, "key")
		if again != nil {
			sc.Fatalf("repeated: %v", again)
		}
		if err == nil && made {
			sc.Error("a second job was made")
		}
		if _, _, err := sc.CreateOnce(sc.spec(), []byte("another picture"), nil, "key"); !errors.Is(err, job.ErrKeyReused) {
			sc.Errorf("another request: %v", err)
		}
		sc.checkFinished(sc.runToEnd(j.ID))
		dirs, err := filepath.Glob(filepath.Join(sc.dir, "jobs/*/*/*/*/*"))
		if err != nil || len(dirs) != 1 {
			sc.Errorf("jobs: %v, %v", dirs, err)
		}
	})
}

func TestFaultsInAClaim(t *testing.T) {
	everyStep(t, func(sc scene) func() error {
		id := sc.create()
		return func() error { _, err := sc.Claim(sc.Context(), id, 1, "unlucky"); return err }
	}, func(sc scene, err error) {
		if j := sc.runToEnd(sc.onlyJob()); j.State != job.Succeeded {
			sc.Errorf("%+v", j)
		} else {
			sc.checkFinished(j)
		}
	})
}

// onlyJob returns the only job.
func (sc scene) onlyJob() job.ID {
	sc.Helper()
	jobs, _, err := sc.List(Query{Limit: 2})
	if err != nil || len(jobs) != 1 {
		sc.Fatalf("jobs: %v, %v", jobs, err)
	}
	return jobs[0].ID
}

func TestFaultsInEndOfRun(t *testing.T) {
	success := func(l *Lease) error { return paint(l, "painted") }
	itsOwn := func(l *Lease) error { return l.Succeed([]byte("painted"), nil, job.Result{}, job.Receipt{}) }
	for name, c := range map[string]struct {
		public bool
		end    func(l *Lease) error
	}{
		"success":                  {false, success},
		"success of a public job":  {true, success},
		"small result of a public": {true, itsOwn},
		"failure":                  {true, func(l *Lease) error { return l.Fail(job.Failure{Code: "damaged_image"}) }},
		"cancel":                   {true, func(l *Lease) error { _, err := l.store.Cancel(l.Spec.ID); return err }},
		"release":                  {true, func(l *Lease) error { return l.Release(true) }},
		"drain":                    {false, func(l *Lease) error { return l.Release(false) }},
	} {
		t.Run(name, func(t *testing.T) {
			everyStep(t, func(sc scene) func() error {
				l := sc.createAndClaimAs(c.public)
				return func() error { return c.end(l) }
			}, func(sc scene, err error) {
				id := sc.onlyJob()
				before, rerr := sc.Job(id)
				if rerr != nil {
					sc.Fatal(rerr)
				}
				j := sc.runToEnd(id)
				sc.checkFinished(j)
				if before.State.Finished() && asJSON(sc.T, before) != asJSON(sc.T, j) {
					sc.Errorf("it had ended as\n%s\nand then as\n%s", asJSON(sc.T, before), asJSON(sc.T, j))
				}
				if err == nil && !before.State.Finished() && name != "release" && name != "drain" {
					sc.Errorf("it was reported as ended, and is %s", before.State)
				}
				// The message is delivered again.
				if _, err := sc.Claim(sc.Context(), id, 1, "late"); !errors.Is(err, job.ErrFinished) {
					sc.Errorf("claimed after the end: %v", err)
				}
			})
		})
	}
}

func TestFaultsInARetry(t *testing.T) {
	everyStep(t, func(sc scene) func() error {
		l := sc.createAndClaim()
		if err := l.Fail(job.Failure{Code: "gave_up"}); err != nil {
			sc.Fatal(err)
		}
		return func() error { _, _, err := sc.Retry(l.Spec.ID); return err }
	}, func(sc scene, _ error) {
		id := sc.onlyJob()
		if _, _, err := sc.Retry(id); err != nil { // repeated until it succeeds
			sc.Fatal(err)
		}
		j, err := sc.Job(id)
		if err != nil || j.Run != 2 || j.State != job.Queued || j.Attempts != 0 || j.Error != nil {
			sc.Fatalf("%+v, %v", j, err)
		}
		if active, err := sc.Active(); err != nil || len(active) != 1 {
			sc.Errorf("active: %v, %v", active, err)
		}
		if j := sc.runToEnd(id); j.State != job.Succeeded || j.Run != 2 {
			sc.Errorf("%+v", j)
		} else {
			sc.checkFinished(j)
		}
	})
}

func TestFaultsInAnErasure(t *testing.T) {
	for _, c := range []struct {
		name string
		// until prepares the job for its erasure; after runs after the fault.
		until, after func(l *Lease) error
	}{
		{"queued", nil, nil},
		{"running", func(*Lease) error { return nil }, nil},
		{"succeeded", func(l *Lease) error { return paint(l, "painted") }, nil},
		{"running, and its worker continues", func(*Lease) error { return nil }, func(l *Lease) error {
			if err := paint(l, "painted"); !errors.Is(err, job.ErrLeaseLost) {
				return err
			}
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyStep(t, func(sc scene) func() error {
				spec := sc.spec()
				spec.Owner, spec.Public = "anna", true
				if _, _, err := sc.CreateOnce(spec, []byte("picture"), nil, "key"); err != nil {
					sc.Fatal(err)
				}
				*sc.submission = *spec
				if c.until != nil {
					l, err := sc.Claim(sc.Context(), spec.ID, 1, "w")
					if err == nil {
						err = c.until(l)
					}
					if err != nil {
						sc.Fatal(err)
					}
					*sc.running = l
				}
				return func() error { return sc.Erase(spec.ID, Erased) }
			}, func(sc scene, err error) {
				if c.after != nil {
					if err := c.after(*sc.running); err != nil {
						sc.Errorf("the worker: %v", err)
					}
				}
				_, before := sc.Job(sc.submission.ID)
				sc.sweep()
				sc.sweep()
				sc.checkErased(before, err)
			})
		})
	}
}

// checkErased checks that a job that was reported as gone is gone, with all its files. before is
// the error that a reader got before the sweep, and erased that of the erasure.
func (sc scene) checkErased(before, erased error) {
	sc.Helper()
	_, err := sc.Job(sc.submission.ID)
	if err == nil {
		if erased == nil || before != nil {
			sc.Errorf("it was reported as gone (%v, %v), and exists", erased, before)
		}
		return
	}
	if !errors.Is(err, job.ErrGone) {
		sc.Errorf("the job: %v", err)
	}
	for _, pattern := range []string{"jobs/*/*/*/*/*", "jobs/*/*/*/*/.*", "keys/*/*/*", "owners/*/*/*/*/*/*[0-9]", "active/*/*", "erasing/*", "tmp/*"} {
		if left, _ := filepath.Glob(filepath.Join(sc.dir, pattern)); len(left) > 0 {
			sc.Errorf("left after the erasure: %v", left)
		}
	}
	if left := sc.allPublished(); len(left) > 0 {
		sc.Errorf("published after the erasure: %q", left)
	}
	if stone, err := sc.Tombstone(sc.submission.ID); err != nil || stone.Owner != "anna" || stone.Why != Erased {
		sc.Errorf("the tombstone: %+v, %v", stone, err)
	}
}

// A full disk has no space for the content of a new file, but the retention must be able to free
// space.
func TestRetentionOnAFullDisk(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaim()
	if err := l.Succeed([]byte("painted"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	if err := sc.FillSpares(); err != nil { // every sweep does this
		t.Fatal(err)
	}
	full := true
	sc.step = func(op, path string, call func() error) error {
		if op == "write" && full && strings.Contains(path, "/"+tmpDir+"/") {
			return &fs.PathError{Op: op, Path: path, Err: syscall.ENOSPC}
		}
		if op == "remove" && strings.HasSuffix(path, "/"+inputFile) {
			full = false
		}
		return call()
	}
	p, err := sc.Expire(context.Background(), time.Now().Add(time.Hour+time.Minute), "")
	sc.step = nil
	if p.Count != 1 || err != nil {
		t.Errorf("%d expired, %v", p.Count, err)
	}
	if _, err := sc.Job(l.Spec.ID); !errors.Is(err, job.ErrGone) {
		t.Errorf("the job: %v", err)
	}
}

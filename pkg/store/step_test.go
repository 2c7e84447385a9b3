package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// The tests of this file stand between the store and its disk: they count the
// calls, and stop the world or lose a reply at each of them in turn.

// A scene is a store with what a test needs of it.
type scene struct {
	*testing.T
	*Store
	submission *job.Spec // for tests that need to remember one
	running    **Lease   // likewise
}

func newScene(t *testing.T) scene {
	t.Helper()
	s, err := Open(Config{Dir: t.TempDir(), Lease: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return scene{t, s, new(job.Spec), new(*Lease)}
}

func (sc scene) spec() *job.Spec {
	sc.Helper()
	id, err := job.NewID()
	if err != nil {
		sc.Fatal(err)
	}
	return &job.Spec{ID: id, Style: "some-style", Strength: 1, Size: 512, Format: "jpeg", Quality: 90,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Input: job.Input{Format: "png", Width: 3, Height: 2}}
}

func (sc scene) create() job.ID {
	sc.Helper()
	spec := sc.spec()
	if err := sc.Create(spec, []byte("picture"), nil); err != nil {
		sc.Fatal(err)
	}
	return spec.ID
}

func (sc scene) claimed() *Lease {
	sc.Helper()
	l, err := sc.Claim(sc.Context(), sc.create(), 1, "tester")
	if err != nil {
		sc.Fatal(err)
	}
	return l
}

// expire makes every claim of a job that was not given back look long forgotten.
func (sc scene) expire(id job.ID) {
	sc.Helper()
	claims, err := filepath.Glob(filepath.Join(sc.jobDir(id), "claim.*"))
	if err != nil {
		sc.Fatal(err)
	}
	for _, path := range claims {
		if at, err := sc.changed(path); err != nil || at.After(time.Unix(100, 0)) {
			old := time.Now().Add(-48 * time.Hour)
			if err := errors.Join(err, os.Chtimes(path, old, old)); err != nil {
				sc.Fatal(err)
			}
		}
	}
}

// leftovers lists what is in tmp/ and active/, and temporary files and folders
// of jobs.
func (sc scene) leftovers() (left []string) {
	sc.Helper()
	err := filepath.WalkDir(sc.dir, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(sc.dir, path)
		top, rest, _ := strings.Cut(rel, "/")
		if rest != "" && (top == tmpDir || top == activeDir || strings.HasPrefix(d.Name(), ".")) {
			left = append(left, rel)
		}
		return err
	})
	if err != nil {
		sc.Fatal(err)
	}
	return left
}

// The budget of DESIGN.md, "What a job costs the file server".
func TestFileOperations(t *testing.T) {
	sc := newScene(t)
	own := func() *job.Spec {
		spec := sc.spec()
		spec.Owner, spec.Style, spec.StyleInput = "anna", job.CustomStyle, &job.Input{}
		return spec
	}
	// The first job of an hour and of an owner makes the folders.
	if _, _, err := sc.CreateOnce(own(), []byte("picture"), []byte("style"), "first"); err != nil {
		t.Fatal(err)
	}
	if err := sc.claimed().Succeed([]byte("x"), job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	submit := func(t *testing.T) {
		if _, made, err := sc.CreateOnce(own(), []byte("picture"), []byte("style"), t.Name()); err != nil || !made {
			t.Fatal(made, err)
		}
	}
	var id job.ID
	paint := func(t *testing.T) {
		l, err := sc.Claim(t.Context(), id, 1, "tester")
		if err == nil {
			_, _, err = sc.Pictures(&l.Spec)
		}
		if err == nil {
			err = l.Succeed([]byte("painted"), job.Result{}, job.Receipt{})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	poll := func(t *testing.T) {
		if _, err := sc.Job(id); err != nil {
			t.Fatal(err)
		}
	}
	end := func(change func(job.ID) error) func(t *testing.T) {
		return func(t *testing.T) {
			id = sc.create()
			if err := change(id); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name    string
		most    int
		prepare func(t *testing.T)
		do      func(t *testing.T)
	}{
		{"submit with everything", 20, nil, submit},
		{"submit without a key", 16, nil, func(t *testing.T) { sc.create() }},
		{"finish in the worker", 20, func(*testing.T) { id = sc.create() }, paint},
		{"poll a queued job", 4, func(*testing.T) { id = sc.create() }, poll},
		{"poll a running job", 4, func(*testing.T) { id = sc.claimed().Spec.ID }, poll},
		{"poll a finished job", 3, func(t *testing.T) { id = sc.create(); paint(t) }, poll},
		{"poll a canceled job", 4, end(func(id job.ID) error { _, err := sc.Cancel(id); return err }), poll},
		{"poll an unknown job", 4, func(*testing.T) { id = sc.spec().ID }, func(t *testing.T) {
			if _, err := sc.Job(id); !errors.Is(err, job.ErrNotFound) {
				t.Fatal(err)
			}
		}},
		{"poll a job that is gone", 3, end(func(id job.ID) error { return sc.Erase(id, Erased) }), func(t *testing.T) {
			if _, err := sc.Job(id); !errors.Is(err, job.ErrGone) {
				t.Fatal(err)
			}
		}},
		{"renew a lease", 3, nil, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.do == nil {
				l := sc.claimed()
				c.do = func(t *testing.T) {
					if err := l.Renew(); err != nil {
						t.Fatal(err)
					}
				}
			}
			// The number of jobs must not matter.
			var counts []int
			for range 3 {
				for range 20 {
					sc.create()
				}
				if c.prepare != nil {
					c.prepare(t)
				}
				var calls []string
				var mu sync.Mutex
				sc.step = func(op, path string, call func() error) error {
					mu.Lock()
					defer mu.Unlock()
					rel, _ := filepath.Rel(sc.dir, path)
					calls = append(calls, op+" "+filepath.Base(rel))
					return call()
				}
				c.do(t)
				sc.step = nil
				counts = append(counts, len(calls))
				if len(calls) > c.most {
					t.Errorf("%d calls, and at most %d are allowed:\n%s", len(calls), c.most, strings.Join(calls, "\n"))
				}
				if testing.Verbose() && len(counts) == 1 {
					t.Logf("%d calls: %s", len(calls), strings.Join(calls, ", "))
				}
				if strings.HasPrefix(c.name, "submit with") {
					break // a key is good for one job
				}
			}
			if slices.Max(counts) != slices.Min(counts) {
				t.Errorf("it grows with the number of jobs: %v", counts)
			}
		})
	}
}

// errCrash is the answer of a disk whose process is dead.
var errCrash = errors.New("the process is dead")

// crashAt makes the store's process die before its n-th call from now: that call
// and all after it are not made. It answers how to bring the store back to life,
// as another process would find it, and whether it came to the crash.
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

// failAt makes the n-th call from now fail with err: before it is made, or, as
// when the file server's reply is lost, after.
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

// A fault is a way in which the n-th call goes wrong.
var faults = []struct {
	name string
	at   func(sc scene, n int) func() bool
}{
	{"crash", scene.crashAt},
	{"error", func(sc scene, n int) func() bool { return sc.failAt(n, false, errors.New("input/output error")) }},
	{"lost reply", func(sc scene, n int) func() bool { return sc.failAt(n, true, errors.New("timed out")) }},
	{"reply lost and sent again", func(sc scene, n int) func() bool { return sc.resendAt(n) }},
}

// resendAt loses the reply of the n-th call and makes it again, as an NFS client
// does: a link or a mkdir then finds its own work in the way, a rename or a
// remove finds nothing.
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

// everyStep runs an act with each fault at each of its calls, and hands the
// scene after it to check.
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

// settleAll does what the world does after a fault: messages come again, leases
// run out, the sweeper sweeps, until the job is finished.
func (sc scene) settleAll(id job.ID) job.Job {
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
			err = l.Succeed([]byte("by a successor"), job.Result{}, job.Receipt{})
		}
		if err != nil && !errors.Is(err, job.ErrFinished) {
			sc.Fatalf("a successor: %v", err)
		}
	}
	sc.Fatal("the job is never finished")
	return job.Job{}
}

// sweep is what the sweeper does with the directory, long after.
func (sc scene) sweep() {
	sc.Helper()
	ids, err := sc.Active()
	if err != nil {
		sc.Fatal(err)
	}
	later := time.Now().Add(72 * time.Hour)
	for _, id := range ids {
		if _, err := sc.Checkup(id, later, time.Hour); err != nil &&
			!errors.Is(err, job.ErrFinished) && !errors.Is(err, job.ErrGone) && !errors.Is(err, job.ErrNotFound) {
			sc.Fatal(err)
		}
	}
	if err := errors.Join(sc.EndErasures(), sc.CleanUp(later, time.Hour), sc.CleanDrafts(time.Now().Add(-time.Hour), later, time.Hour)); err != nil {
		sc.Fatal(err)
	}
}

// whole checks what must hold of a finished job.
func (sc scene) whole(j job.Job) {
	sc.Helper()
	if left := sc.leftovers(); len(left) > 0 {
		sc.Errorf("left behind: %v", left)
	}
	finals, err := filepath.Glob(filepath.Join(sc.jobDir(j.ID), fmt.Sprintf("final.%d", j.Run)))
	if err != nil || len(finals) != 1 {
		sc.Errorf("outcomes of run %d: %v, %v", j.Run, finals, err)
	}
	outs, err := filepath.Glob(filepath.Join(sc.jobDir(j.ID), "out.*"))
	if err != nil {
		sc.Fatal(err)
	}
	f, _, err := sc.Result(j.ID)
	switch j.State {
	case job.Succeeded:
		if err != nil {
			sc.Fatal(err)
		}
		defer f.Close()
		if info, err := f.Stat(); err != nil || info.Size() != j.Result.Bytes {
			sc.Errorf("the result has %v bytes, %v, and should have %d", info.Size(), err, j.Result.Bytes)
		}
		if len(outs) != 1 {
			sc.Errorf("pictures: %v", outs)
		}
	default:
		if !errors.Is(err, job.ErrNotFinished) || len(outs) != 0 {
			sc.Errorf("result of a job that is %s: %v; pictures: %v", j.State, err, outs)
		}
	}
	sc.sameForAll(j.ID)
}

// sameForAll: whoever reads the status, the events or the outcome reads the same.
func (sc scene) sameForAll(id job.ID) {
	sc.Helper()
	status, err := sc.readRecord(id, statusFile)
	if err != nil {
		sc.Fatal(err)
	}
	derived, err := sc.derive(id)
	if err != nil {
		sc.Fatal(err)
	}
	if a, b := fmt.Sprintf("%+v", asJSON(sc.T, status.public())), fmt.Sprintf("%+v", asJSON(sc.T, derived.public())); a != b {
		sc.Errorf("the status says\n%s\nand the events\n%s", a, b)
	}
}

func TestFaultsInSubmission(t *testing.T) {
	everyStep(t, func(sc scene) func() error {
		*sc.submission = *sc.spec()
		sc.submission.Owner = "anna"
		return func() error { return sc.Create(sc.submission, []byte("picture"), nil) }
	}, func(sc scene, err error) {
		j, rerr := sc.Job(sc.submission.ID)
		switch {
		case err == nil && rerr != nil:
			sc.Fatalf("it was promised, and: %v", rerr)
		case rerr == nil:
			sc.whole(sc.settleAll(j.ID))
		case !errors.Is(rerr, job.ErrNotFound):
			sc.Fatalf("neither there nor not there: %v", rerr)
		default:
			sc.sweep()
			if left := sc.leftovers(); len(left) > 0 {
				sc.Errorf("left behind: %v", left)
			}
		}
	})
}

// A request under a key is repeated until it is answered, and makes one job.
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
		sc.whole(sc.settleAll(j.ID))
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
		if j := sc.settleAll(sc.only()); j.State != job.Succeeded {
			sc.Errorf("%+v", j)
		} else {
			sc.whole(j)
		}
	})
}

// only is the one job there is.
func (sc scene) only() job.ID {
	sc.Helper()
	jobs, _, err := sc.List(Query{Limit: 2})
	if err != nil || len(jobs) != 1 {
		sc.Fatalf("jobs: %v, %v", jobs, err)
	}
	return jobs[0].ID
}

func TestFaultsInTheEndOfARun(t *testing.T) {
	ends := map[string]func(l *Lease) error{
		"success": func(l *Lease) error { return l.Succeed([]byte("painted"), job.Result{}, job.Receipt{}) },
		"failure": func(l *Lease) error { return l.Fail(job.Failure{Code: "damaged_image"}) },
		"cancel":  func(l *Lease) error { _, err := l.store.Cancel(l.Spec.ID); return err },
		"release": func(l *Lease) error { return l.Release(true) },
		"drain":   func(l *Lease) error { return l.Release(false) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			everyStep(t, func(sc scene) func() error {
				l := sc.claimed()
				return func() error { return end(l) }
			}, func(sc scene, err error) {
				id := sc.only()
				before, rerr := sc.Job(id)
				if rerr != nil {
					sc.Fatal(rerr)
				}
				j := sc.settleAll(id)
				sc.whole(j)
				if before.State.Finished() && asJSON(sc.T, before) != asJSON(sc.T, j) {
					sc.Errorf("it had ended as\n%s\nand then as\n%s", asJSON(sc.T, before), asJSON(sc.T, j))
				}
				if err == nil && !before.State.Finished() && name != "release" && name != "drain" {
					sc.Errorf("it was said to have ended, and is %s", before.State)
				}
				// The message comes once more.
				if _, err := sc.Claim(sc.Context(), id, 1, "late"); !errors.Is(err, job.ErrFinished) {
					sc.Errorf("claimed after the end: %v", err)
				}
			})
		})
	}
}

func TestFaultsInARetry(t *testing.T) {
	everyStep(t, func(sc scene) func() error {
		l := sc.claimed()
		if err := l.Fail(job.Failure{Code: "gave_up"}); err != nil {
			sc.Fatal(err)
		}
		return func() error { _, err := sc.Retry(l.Spec.ID); return err }
	}, func(sc scene, _ error) {
		id := sc.only()
		if _, err := sc.Retry(id); err != nil { // until it is answered
			sc.Fatal(err)
		}
		j, err := sc.Job(id)
		if err != nil || j.Run != 2 || j.State != job.Queued || j.Attempts != 0 || j.Error != nil {
			sc.Fatalf("%+v, %v", j, err)
		}
		if active, err := sc.Active(); err != nil || len(active) != 1 {
			sc.Errorf("active: %v, %v", active, err)
		}
		if j := sc.settleAll(id); j.State != job.Succeeded || j.Run != 2 {
			sc.Errorf("%+v", j)
		} else {
			sc.whole(j)
		}
	})
}

func TestFaultsInAnErasure(t *testing.T) {
	for _, c := range []struct {
		name string
		// until brings the job to where it is erased; after comes after the fault.
		until, after func(l *Lease) error
	}{
		{"queued", nil, nil},
		{"running", func(*Lease) error { return nil }, nil},
		{"succeeded", func(l *Lease) error { return l.Succeed([]byte("painted"), job.Result{}, job.Receipt{}) }, nil},
		{"running, and its worker goes on", func(*Lease) error { return nil }, func(l *Lease) error {
			if err := l.Succeed([]byte("painted"), job.Result{}, job.Receipt{}); !errors.Is(err, job.ErrLeaseLost) {
				return err
			}
			return nil
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyStep(t, func(sc scene) func() error {
				spec := sc.spec()
				spec.Owner = "anna"
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
				sc.erasedOrNot(before, err)
			})
		})
	}
}

// erasedOrNot: a job that was said to be gone is, and all of it; before is what
// its reader was told, and erased what its eraser was.
func (sc scene) erasedOrNot(before, erased error) {
	sc.Helper()
	_, err := sc.Job(sc.submission.ID)
	if err == nil {
		if erased == nil || before != nil {
			sc.Errorf("it was said to be gone (%v, %v), and is there", erased, before)
		}
		return
	}
	if !errors.Is(err, job.ErrGone) {
		sc.Errorf("the job: %v", err)
	}
	for _, pattern := range []string{"jobs/*/*/*/*/*", "jobs/*/*/*/*/.*", "keys/*", "owners/*/*/*/*/*/*", "active/*", "erasing/*", "tmp/*"} {
		if left, _ := filepath.Glob(filepath.Join(sc.dir, pattern)); len(left) > 0 {
			sc.Errorf("left after the erasure: %v", left)
		}
	}
	if stone, err := sc.Tombstone(sc.submission.ID); err != nil || stone.Owner != "anna" || stone.Why != Erased {
		sc.Errorf("the tombstone: %+v, %v", stone, err)
	}
}

// A full disk has no room for a tombstone, and the retention must make some.
func TestRetentionOnAFullDisk(t *testing.T) {
	sc := newScene(t)
	l := sc.claimed()
	if err := l.Succeed([]byte("painted"), job.Result{}, job.Receipt{}); err != nil {
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
	n, err := sc.Expire(time.Now().Add(time.Hour+time.Minute), 10)
	sc.step = nil
	if n != 1 || err != nil {
		t.Errorf("%d expired, %v", n, err)
	}
	if stone, err := sc.Tombstone(l.Spec.ID); err != nil || stone.Why != Expired {
		t.Errorf("%+v, %v", stone, err)
	}
}

func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
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

// This file stands between the store and its disk, for tests that count the calls
// (cost_test.go), or stop the world or lose a reply at each in turn (faults_test.go).

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
	return sc.createAs(false)
}

func (sc scene) createAs(public bool) job.ID {
	sc.Helper()
	spec := sc.spec()
	spec.Public = public
	if err := sc.Create(spec, []byte("picture"), nil); err != nil {
		sc.Fatal(err)
	}
	return spec.ID
}

func (sc scene) claimed() *Lease {
	sc.Helper()
	return sc.claimedAs(false)
}

func (sc scene) claimedAs(public bool) *Lease {
	sc.Helper()
	l, err := sc.Claim(sc.Context(), sc.createAs(public), 1, "tester")
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
		if at, err := sc.modTime(path); err != nil || at.After(time.Unix(100, 0)) {
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
		if rest != "" && (top == tmpDir || top == activeDir && !d.IsDir() || strings.HasPrefix(d.Name(), ".")) {
			left = append(left, rel)
		}
		return err
	})
	if err != nil {
		sc.Fatal(err)
	}
	return left
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
	{"stale", func(sc scene, n int) func() bool { return sc.failAt(n, false, syscall.ESTALE) }},
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

// paint ends a run with a picture and its thumbnail.
func paint(l *Lease, picture string) error {
	return l.Succeed([]byte(picture), []byte(picture+", small"), job.Result{}, job.Receipt{})
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
			err = paint(l, "by a successor")
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
	if err := errors.Join(sc.EndErasures(context.Background()), sc.CleanUp(context.Background(), later, time.Hour), sc.reconciled(later)); err != nil {
		sc.Fatal(err)
	}
}

// makeKeyFolder makes the folder of a key, which is there in a store that has had some thousands.
func (sc scene) makeKeyFolder(key string) {
	sc.Helper()
	if err := os.MkdirAll(filepath.Dir(sc.keyPath(key)), 0o750); err != nil {
		sc.Fatal(err)
	}
}

// reconciled reconciles all folders.
func (sc scene) reconciled(later time.Time) error {
	_, err := sc.Reconcile(context.Background(), "", later, later, time.Hour)
	return err
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
	thumbs, err := filepath.Glob(filepath.Join(sc.jobDir(j.ID), "thumb.*"))
	if err != nil {
		sc.Fatal(err)
	}
	result, err := sc.content(sc.Result(j.ID))
	switch j.State {
	case job.Succeeded:
		if err != nil {
			sc.Fatal(err)
		}
		if int64(len(result)) != j.Result.Bytes {
			sc.Errorf("the result has %d bytes, and should have %d", len(result), j.Result.Bytes)
		}
		if len(outs) != 1 || len(thumbs) > 1 || !j.Public && len(thumbs) != 0 {
			sc.Errorf("pictures: %v, thumbnails: %v", outs, thumbs)
		}
	default:
		if !errors.Is(err, job.ErrNotFinished) || len(outs) != 0 || len(thumbs) != 0 {
			sc.Errorf("result of a job that is %s: %v; pictures: %v, thumbnails: %v", j.State, err, outs, thumbs)
		}
	}
	sc.publishedWell(j, result)
	sc.sameForAll(j.ID)
}

// publishedWell: what is published is what came of the one job, whole, and no more.
func (sc scene) publishedWell(j job.Job, result string) {
	sc.Helper()
	want := map[string]string{}
	if j.State == job.Succeeded {
		names := Published(j.ID, j.Format, j.Public)
		want[names[0]] = result
		if j.Public {
			thumb, err := sc.content(sc.Thumbnail(j.ID))
			if err != nil || thumb != result && thumb != result+", small" {
				sc.Errorf("the thumbnail of %q is %q, %v", result, thumb, err)
			}
			want[names[1]] = thumb
		}
	}
	if got := sc.allPublished(); !maps.Equal(got, want) {
		sc.Errorf("published: %q, want %q", got, want)
	}
}

// allPublished is the files below published/ and their content.
func (sc scene) allPublished() map[string]string {
	sc.Helper()
	files := map[string]string{}
	dir := os.DirFS(sc.PublishedDir())
	err := fs.WalkDir(dir, ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var b []byte
			b, err = fs.ReadFile(dir, path)
			files[path] = string(b)
		}
		return err
	})
	if err != nil {
		sc.Fatal(err)
	}
	return files
}

// content reads what Result or Thumbnail opened.
func (sc scene) content(f *os.File, _ job.Job, err error) (string, error) {
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	return string(b), err
}

// sameForAll: whoever reads the status, the events or the outcome reads the same.
func (sc scene) sameForAll(id job.ID) {
	sc.Helper()
	status, err := sc.readRecord(id, statusFile)
	if err != nil {
		sc.Fatal(err)
	}
	derived, err := sc.readFromEvents(id)
	if err != nil {
		sc.Fatal(err)
	}
	if a, b := fmt.Sprintf("%+v", asJSON(sc.T, status.public())), fmt.Sprintf("%+v", asJSON(sc.T, derived.public())); a != b {
		sc.Errorf("the status says\n%s\nand the events\n%s", a, b)
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

package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/job"
)

// eachKernel runs a test with openat2 and without.
func eachKernel(t *testing.T, f func(t *testing.T)) {
	t.Run("with openat2", f)
	had := hasOpenat2
	hasOpenat2 = func() bool { return false }
	defer func() { hasOpenat2 = had }()
	t.Run("without openat2", f)
}

// snapshot returns what is below a folder: names, times of files, and their content.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil || d.IsDir() {
			all[path] = "folder"
			return err
		}
		b, err := os.ReadFile(path)
		all[path] = fmt.Sprintf("%s %s", info.ModTime(), b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// If a folder of the store is replaced by a link, nothing is made, changed or removed at the link's
// target, even if that looks like the store.
func TestLinksInPathsAreNotFollowed(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, folder := range []string{
			publishedDir, publishedDir + "/" + publicDir, publishedDir + "/" + thumbsDir, goneDir, erasingDir, activeDir,
			ownersDir, keysDir, usageDir, sweepDir, tmpDir, jobsDir, "hour",
		} {
			t.Run(folder, func(t *testing.T) { linkInPath(t, folder) })
		}
	})
}

func linkInPath(t *testing.T, folder string) {
	sc := newScene(t)
	submit := func(owner string) *Lease {
		spec := sc.spec()
		spec.Owner, spec.Public = owner, true
		_, _, err := sc.CreateOnce(spec, []byte("picture"), nil, rand.Text())
		if err != nil {
			t.Fatal(err)
		}
		l, err := sc.Claim(t.Context(), spec.ID, 1, "w")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	done, failed, running, queued := submit("anna"), submit("bert"), submit("anna"), sc.create()
	old := sc.specAt(time.Now().Add(-50 * time.Hour))
	old.Public = true
	err := errors.Join(paint(done, "painted"), failed.Fail(job.Failure{Code: "gave_up"}), sc.Create(old, []byte("picture"), nil))
	if err == nil {
		var l *Lease
		if l, err = sc.Claim(t.Context(), old.ID, 1, "w"); err == nil {
			err = paint(l, "painted")
		}
	}
	for _, name := range []string{filepath.Join(tmpDir, rand.Text()), filepath.Join(sweepDir, "turn.1"), filepath.Join(sweepDir, "turn.2")} {
		err = errors.Join(err, os.WriteFile(filepath.Join(sc.dir, name), []byte("left"), 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	if folder == "hour" {
		folder = filepath.Join(jobsDir, done.Spec.ID.Folder())
	}
	path, elsewhere := filepath.Join(sc.dir, folder), filepath.Join(t.TempDir(), "elsewhere")
	stale := time.Now().Add(-100 * time.Hour)
	err = os.CopyFS(elsewhere, os.DirFS(path))
	for name := range snapshot(t, elsewhere) {
		err = errors.Join(err, os.Chtimes(name, stale, stale))
	}
	if err = errors.Join(err, os.Rename(path, path+".was"), os.Symlink(elsewhere, path)); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, elsewhere)

	// Each call may fail.
	now := time.Now()
	later := now.Add(72 * time.Hour)
	_, _ = sc.Turn(time.Minute)
	_ = sc.SetNote(SweepNote, []byte("note"))
	if active, err := sc.Active(); err == nil {
		for _, e := range active {
			_ = sc.RecordMessageSent(e)
			_, _ = sc.Checkup(e, later, time.Hour)
		}
	}
	_ = running.Renew()
	_ = running.StorePreview([]byte("preview"))
	_ = paint(running, "painted")
	_, _, _ = sc.Retry(failed.Spec.ID)
	_, _ = sc.Cancel(queued)
	_ = sc.Erase(done.Spec.ID, Erased)
	_ = sc.Create(sc.spec(), []byte("picture"), nil)
	_, _, _ = sc.CreateOnce(sc.spec(), []byte("picture"), nil, "key")
	_, _ = sc.Expire(context.Background(), now.Add(-26*time.Hour), "")
	_ = sc.endAllErasures()
	_, _ = sc.Forget(context.Background(), later, "")
	_, _ = sc.ForgetKeys(context.Background(), "", later)
	_ = sc.CleanUp(context.Background(), later, time.Hour)
	_, _ = sc.Reconcile(context.Background(), "", later, later, time.Hour)

	after := snapshot(t, elsewhere)
	for name, is := range after {
		if was, ok := before[name]; !ok || was != is {
			t.Errorf("made or changed: %s", name)
		}
	}
	for name := range before {
		if _, ok := after[name]; !ok {
			t.Errorf("removed: %s", name)
		}
	}
}

// If a folder is replaced by a link again and again during a cleanup, nothing is removed at the
// link's target.
func TestLinksMadeDuringCleanup(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		sc := newScene(t)
		elsewhere, other := t.TempDir(), filepath.Join(sc.dir, "other")
		tmp := filepath.Join(sc.dir, tmpDir)
		exchange := func() error { return unix.Renameat2(unix.AT_FDCWD, tmp, unix.AT_FDCWD, other, unix.RENAME_EXCHANGE) }
		old := time.Now().Add(-time.Hour)
		fill := func(dir, name string) {
			path := filepath.Join(dir, name)
			if err := errors.Join(os.WriteFile(path, []byte("precious"), 0o600), os.Chtimes(path, old, old)); err != nil {
				t.Fatal(err)
			}
		}
		const many = 200
		var names []string
		for range many {
			name := rand.Text()
			names = append(names, name)
			fill(elsewhere, name)
			name = rand.Text()
			names = append(names, name)
			folder := filepath.Join(elsewhere, name)
			if err := os.Mkdir(folder, 0o750); err != nil {
				t.Fatal(err)
			}
			fill(folder, "file")
			if err := os.Chtimes(folder, old, old); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink(elsewhere, other); err != nil {
			t.Fatal(err)
		}
		if err := exchange(); errors.Is(err, unix.EINVAL) {
			t.Skip("this file system (NFS) can't exchange two names")
		} else if err = errors.Join(err, exchange()); err != nil {
			t.Fatal(err)
		}
		real, err := os.OpenRoot(tmp)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = real.Close() }()
		before := snapshot(t, elsewhere)
		stop, stopped := make(chan struct{}), make(chan error)
		go func() {
			for {
				select {
				case <-stop:
					stopped <- nil
					return
				default:
				}
				if err := exchange(); err != nil {
					stopped <- err
					return
				}
			}
		}()
		for range 30 {
			for _, name := range names { // the same names as at the target
				if err := real.WriteFile(name, nil, 0o600); err != nil {
					t.Error(err)
				}
			}
			_ = sc.CleanUp(context.Background(), time.Now().Add(time.Minute), time.Second)
		}
		close(stop)
		if err := <-stopped; err != nil {
			t.Fatal(err)
		}
		if after := snapshot(t, elsewhere); len(after) != len(before) {
			t.Errorf("%d of %d are left", len(after), len(before))
		}
	})
}

// The folder is replaced by a link between its listing and the removals.
func TestLinkMadeAfterListing(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		sc := newScene(t)
		elsewhere, tmp := t.TempDir(), filepath.Join(sc.dir, tmpDir)
		for range 20 {
			name := rand.Text()
			if err := errors.Join(os.WriteFile(filepath.Join(tmp, name), nil, 0o600), os.Mkdir(filepath.Join(elsewhere, name), 0o750),
				os.WriteFile(filepath.Join(elsewhere, name, "file"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		before := snapshot(t, elsewhere)
		sc.step = func(op, path string, call func() error) error {
			err := call()
			if op == "readdir" && path == tmp {
				err = errors.Join(err, os.Rename(tmp, tmp+".was"), os.Symlink(elsewhere, tmp))
			}
			return err
		}
		if err := sc.CleanUp(context.Background(), time.Now().Add(72*time.Hour), time.Hour); err == nil {
			t.Error("no error")
		}
		if after := snapshot(t, elsewhere); len(after) != len(before) {
			t.Errorf("%d of %d are left", len(after), len(before))
		}
	})
}

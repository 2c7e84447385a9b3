package store

import (
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/scripts/nfstest"
)

// twoClients returns stores on one directory, as seen by two NFS clients.
func twoClients(t *testing.T) (a, b scene) {
	t.Helper()
	lab, inside := nfstest.Inside()
	below, is := strings.CutPrefix(t.TempDir(), lab.A+"/")
	if !inside || !is {
		t.Skip("needs two NFS clients: TestOnNFS runs it")
	}
	of := func(mount string) scene {
		s, err := Open(Config{Dir: filepath.Join(mount, below), Lease: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return scene{t, s, new(job.Spec), new(*Lease)}
	}
	return of(lab.A), of(lab.B)
}

// A client that has looked for a job before it was made finds it afterwards, also if the folder of
// its hour was missing.
func TestClientFindsJobAfterCachedMiss(t *testing.T) {
	for name, find := range map[string]func(s *Store, id job.ID) error{
		"job":   func(s *Store, id job.ID) error { _, err := s.Job(id); return err },
		"spec":  func(s *Store, id job.ID) error { _, err := s.Spec(id); return err },
		"claim": func(s *Store, id job.ID) error { _, err := s.Claim(t.Context(), id, 1, "tester"); return err },
		"cancel": func(s *Store, id job.ID) error {
			_, err := s.Cancel(id)
			return err
		},
		"erase": func(s *Store, id job.ID) error { return s.Erase(id, Erased) },
	} {
		t.Run(name, func(t *testing.T) {
			a, b := twoClients(t)
			spec := a.spec()
			for range 2 {
				if err := find(b.Store, spec.ID); !errors.Is(err, job.ErrNotFound) {
					t.Fatalf("before it is made: %v", err)
				}
			}
			if err := a.Create(spec, []byte("picture"), nil); err != nil {
				t.Fatal(err)
			}
			if err := find(b.Store, spec.ID); err != nil {
				t.Errorf("after it was made: %v", err)
			}
		})
	}
}

// A client that has looked for the key of an upload finds it after another client has taken the
// upload.
func TestClientFindsTakenUpload(t *testing.T) {
	a, b := twoClients(t)
	u := a.grant()
	key := b.keyPath(uploadKey("anna", u.ID))
	if err := os.MkdirAll(filepath.Dir(key), 0o750); err != nil {
		t.Fatal(err)
	}
	if there, err := b.exists(key); there || err != nil {
		t.Fatalf("before: %t, %v", there, err)
	}
	if err := errors.Join(a.Create(a.specOf(u), []byte(uploaded), nil), a.EndUpload("anna", u)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Upload("anna", u.ID); !errors.Is(err, job.ErrUploadTaken) {
		t.Errorf("after: %v", err)
	}
}

// A client sees with its next call what another client has done to a job, although it has cached
// the job.
func TestClientSeesChangesOfOthers(t *testing.T) {
	a, b := twoClients(t)
	see := func(id job.ID, run int, want job.State) {
		t.Helper()
		if j, err := b.Job(id); err != nil || j.State != want || j.Run != run {
			t.Errorf("the other client sees %s in run %d, %v; want %s in run %d", j.State, j.Run, err, want, run)
		}
	}
	id := a.create()
	see(id, 1, job.Queued)
	l, err := a.Claim(t.Context(), id, 1, "tester")
	if err != nil {
		t.Fatal(err)
	}
	see(id, 1, job.Running)
	if err := l.Renew(); err != nil { // which caches what it has not found
		t.Fatal(err)
	}
	if _, err := b.Cancel(id); err != nil {
		t.Fatal(err)
	}
	if err := l.Renew(); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("the worker renews the lease of a job that was canceled: %v", err)
	}
	see(id, 1, job.Canceled)
	if _, _, err := a.Retry(id); err != nil {
		t.Fatal(err)
	}
	see(id, 2, job.Queued)
	if _, err := b.Preview(id); !errors.Is(err, job.ErrNotReady) {
		t.Errorf("preview: %v", err)
	}
	if l, err = a.Claim(t.Context(), id, 2, "tester"); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(l.StorePreview([]byte("preview")), paint(l, "painted")); err != nil {
		t.Fatal(err)
	}
	see(id, 2, job.Succeeded)
	if got, err := b.content(b.Result(id)); err != nil || got != "painted" {
		t.Errorf("result: %q, %v", got, err)
	}
	if got, err := b.Preview(id); err != nil || string(got) != "preview" {
		t.Errorf("preview: %q, %v", got, err)
	}
	if err := a.Erase(id, Erased); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Job(id); !errors.Is(err, job.ErrGone) {
		t.Errorf("after the erasure: %v", err)
	}
}

// A client finds with its next call the folders in which another has published, and reads the notes
// that another has written, although it has cached both.
func TestClientSeesPublishedFiles(t *testing.T) {
	a, b := twoClients(t)
	since := time.Time{}
	for i := range 4 {
		if _, _, _, err := b.ChangedFolders(t.Context(), time.Time{}, time.Time{}, since, 100); err != nil {
			t.Fatal(err)
		}
		l := a.createAndClaimAs(true)
		if err := paint(l, "painted"); err != nil {
			t.Fatal(err)
		}
		name := Published(l.Spec.ID, "jpeg", true)[0]
		folders, _, _, err := b.ChangedFolders(t.Context(), time.Time{}, time.Time{}, since, 100)
		if err != nil || !slices.Contains(folders, path.Dir(name)) {
			t.Fatalf("job %d: the changed folders are %q, %v; want %s", i, folders, err, path.Dir(name))
		}
		if names, err := b.PublishedIn(path.Dir(name)); err != nil || !slices.Contains(names, name) {
			t.Errorf("job %d: the other client lists %q, %v; want %s", i, names, err, name)
		}
		if err := errors.Join(a.SetNote(CopiedNote, []byte(name)), a.SetNoteVersion(CopyNote, i, []byte(name))); err != nil {
			t.Fatal(err)
		}
		if note, err := b.Note(CopiedNote); err != nil || string(note) != name {
			t.Errorf("job %d: the other client reads the note %q, %v", i, note, err)
		}
		if note, _, err := b.NoteVersion(CopyNote); err != nil || string(note) != name {
			t.Errorf("job %d: the other client reads the note %q, %v", i, note, err)
		}
		if since, err = b.Now(); err != nil {
			t.Fatal(err)
		}
	}
}

// A client that has cached an expired idempotency key makes a new job.
func TestClientWithCachedOldKey(t *testing.T) {
	a, b := twoClients(t)
	first, made, err := a.CreateOnce(a.spec(), []byte("picture"), nil, "key")
	if err != nil || !made {
		t.Fatal(made, err)
	}
	if again, made, err := b.CreateOnce(b.spec(), []byte("picture"), nil, "key"); err != nil || made || again.ID != first.ID {
		t.Fatalf("repeated: %s, made %t, %v", again.ID, made, err)
	}
	if err := a.Erase(first.ID, Erased); err != nil {
		t.Fatal(err)
	}
	if j, made, err := b.CreateOnce(b.spec(), []byte("picture"), nil, "key"); err != nil || !made || j.ID == first.ID {
		t.Errorf("once the job is gone: %s, made %t, %v", j.ID, made, err)
	}
}

// A client that has cached the folder of an owner's active jobs, which another client has removed,
// makes it again.
func TestClientWithCachedOwnerFolder(t *testing.T) {
	a, b := twoClients(t)
	for range 3 {
		id := b.create()
		l, err := a.Claim(t.Context(), id, 1, "tester")
		if err == nil {
			err = paint(l, "painted")
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := a.Active(); err != nil { // removes empty folders
			t.Fatal(err)
		}
	}
}

// An erasure is complete for all readers while a program on the same machine, or another, has the
// result open. What is left is removed when the file is closed.
func TestErasureWhileResultIsOpen(t *testing.T) {
	for _, c := range []struct {
		name           string
		reader, eraser func(a, b scene) scene
	}{
		{"on the same machine", first, first},
		{"on another", first, second},
	} {
		for _, sweeper := range []func(a, b scene) scene{first, second} {
			t.Run(c.name, func(t *testing.T) {
				a, b := twoClients(t)
				reader, eraser, sweeper := c.reader(a, b), c.eraser(a, b), sweeper(a, b)
				*eraser.submission = *eraser.spec()
				id := eraser.succeeded()
				eraser.sweep() // publishes
				f, _, err := reader.Result(id)
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				if err := eraser.Erase(id, Erased); err != nil {
					t.Errorf("erase: %v", err)
				}
				for _, s := range []scene{a, b} {
					if _, err := s.Job(id); !errors.Is(err, job.ErrGone) {
						t.Errorf("the job is %v", err)
					}
					if _, err := s.Claim(t.Context(), id, 1, "tester"); !errors.Is(err, job.ErrGone) {
						t.Errorf("claimed: %v", err)
					}
					if left := s.allPublished(); len(left) > 0 {
						t.Errorf("published is %v", left)
					}
				}
				if err := sweeper.endAllErasures(); err != nil {
					t.Errorf("end erasures while it is read: %v", err)
				}
				if got, err := reader.content(f, job.Job{}, nil); err == nil && got != "painted" { // the handle may be stale
					t.Errorf("read: %q", got)
				}
				_ = f.Close() // read only
				if err := sweeper.endAllErasures(); err != nil {
					t.Errorf("end erasures: %v", err)
				}
				for _, s := range []scene{a, b} {
					if err := s.refreshPath(s.jobsFolder(id), s.dir); err != nil {
						t.Fatal(err)
					}
					left := files(t, s.dir)
					if len(left) != 0 {
						t.Errorf("left are %v", left)
					}
				}
			})
		}
	}
}

func first(a, _ scene) scene  { return a }
func second(_, b scene) scene { return b }

// files returns the files of a job, in whichever folder, without tombstones and the files of the
// owner.
func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	for _, top := range []string{jobsDir, publishedDir, activeDir, erasingDir, keysDir, tmpDir} {
		err := filepath.WalkDir(filepath.Join(dir, top), func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				all = append(all, path)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	return all
}

// One of two clients gets the turn.
func TestClientsTakeTurns(t *testing.T) {
	a, b := twoClients(t)
	for range 3 {
		won := 0
		for _, s := range []scene{a, b, a, b} {
			mine, err := s.Turn(time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			if mine {
				won++
			}
		}
		if won != 1 {
			t.Errorf("%d callers got the turn", won)
		}
		names, err := os.ReadDir(filepath.Join(a.dir, sweepDir))
		if err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-2 * time.Hour)
		for _, e := range names {
			if err := os.Chtimes(filepath.Join(a.dir, sweepDir, e.Name()), old, old); err != nil {
				t.Fatal(err)
			}
		}
		// The other client sees the change only when its cached attributes expire, so both try
		// again.
		for _, s := range []scene{a, b} {
			_, _ = s.list(filepath.Join(s.dir, sweepDir))
		}
	}
}

// TestOnNFS runs this package's tests on a real NFS 4.1 with two clients: those that need it, and
// the races of processes, or those that match ATELIER_NFS_TESTS ("." is the whole suite, which
// takes 23 minutes without latency, 72 at 1 ms a call, and at 5 ms an hour in ten parallel parts).
// ATELIER_NFS_LATENCY is the time of a call in milliseconds. With ATELIER_NFS_OUTAGE the file
// server stops for so many seconds in the middle of each race.
func TestOnNFS(t *testing.T) {
	if _, inside := nfstest.Inside(); inside {
		t.Skip("is on NFS already")
	}
	tests := "Client|TestProcesses|BoundedAcrossProcesses|WhileResultIsOpen|ErasureDuringPublishing|MissingStatus|InAClaim"
	if pattern := os.Getenv("ATELIER_NFS_TESTS"); pattern != "" {
		tests = pattern
	}
	out := nfstest.Run(t, time.Hour, nil, "-test.short", "-test.run="+tests)
	if testing.Verbose() {
		t.Log(out)
	}
}

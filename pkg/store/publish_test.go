package store

import (
	"errors"
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

func TestPublishedNames(t *testing.T) {
	const id = job.ID("01a20abf-9b1a-7fe4-8dc7-fd7ebd3a0d3c") // of 2026-11-23, 23:31 UTC
	hour := id.Time().Format("2006/01/02/15")
	for _, c := range []struct {
		format string
		public bool
		want   []string
	}{
		{"png", true, []string{"public/" + hour + "/" + string(id) + ".png", "thumbs/" + hour + "/" + string(id) + ".jpeg"}},
		{"webp", false, []string{"private/" + hour + "/" + string(id) + ".webp"}},
	} {
		if got := Published(id, c.format, c.public); !slices.Equal(got, c.want) {
			t.Errorf("%s, public %t: got %v, want %v", c.format, c.public, got, c.want)
		}
	}
}

func TestThumbnail(t *testing.T) {
	sc := newScene(t)
	public, small, private := sc.createAndClaimAs(true), sc.createAndClaimAs(true), sc.createAndClaim()
	if _, _, err := sc.Thumbnail(public.Spec.ID); !errors.Is(err, job.ErrNotFinished) {
		t.Errorf("of a running job: %v", err)
	}
	if err := errors.Join(paint(public, "painted"), paint(private, "secret"),
		small.Succeed([]byte("tiny"), nil, job.Result{}, job.Receipt{})); err != nil {
		t.Fatal(err)
	}
	for id, want := range map[job.ID]string{public.Spec.ID: "painted, small", small.Spec.ID: "tiny"} {
		if got, err := sc.content(sc.Thumbnail(id)); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	if _, _, err := sc.Thumbnail(private.Spec.ID); !errors.Is(err, job.ErrNoThumbnail) {
		t.Errorf("of a job that is not public: %v", err)
	}
	if _, _, err := sc.Thumbnail(sc.spec().ID); !errors.Is(err, job.ErrNotFound) {
		t.Errorf("of an unknown job: %v", err)
	}
}

// A published file is the result under a second name: it takes no space.
func TestPublishedIsALink(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaimAs(true)
	if err := paint(l, "painted"); err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{outputFile(1), thumbFile(1)} {
		there, err := os.Stat(sc.publishedPaths(l.Spec.ID, "jpeg", true)[i])
		if err != nil {
			t.Fatal(err)
		}
		if made, err := os.Stat(l.path(name)); err != nil || !os.SameFile(there, made) {
			t.Errorf("%s is another file than the published one, %v", name, err)
		}
	}
}

// DataSync copies a file with several names in its location only once, so a picture that is its own
// thumbnail would not come to the gallery.
func TestNoTwoPublishedNamesAreOfOneFile(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaimAs(true)
	if err := l.Succeed([]byte("tiny"), nil, job.Result{}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	names := sc.publishedPaths(l.Spec.ID, "jpeg", true)
	result, err := os.Stat(names[0])
	thumbnail, terr := os.Stat(names[1])
	if err := errors.Join(err, terr); err != nil || os.SameFile(result, thumbnail) {
		t.Errorf("the result and its thumbnail are one file: %v", err)
	}
}

// The folder of an hour is removed as empty and old right after a process has made it to publish a
// result: the result is published when the run is completed again.
func TestFolderRemovedDuringPublishing(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaimAs(true)
	sc.step = func(op, path string, call func() error) error {
		err := call()
		if hour := filepath.Base(path); op == "mkdir" && len(hour) == 2 && strings.Contains(path, publishedDir) {
			_ = os.Remove(path)
		}
		return err
	}
	err := paint(l, "painted")
	sc.step = nil
	if err != nil {
		t.Fatal(err)
	}
	if got := sc.allPublished(); len(got) != 0 {
		t.Fatalf("published: %q, and the folders were removed", got)
	}
	j, err := sc.Job(l.Spec.ID)
	if err != nil || j.State != job.Succeeded {
		t.Fatalf("%+v, %v", j, err)
	}
	sc.sweep()
	sc.checkFinished(j)
}

// If nothing can be published in a directory, an error is returned.
func TestFailureToPublishIsReported(t *testing.T) {
	sc := newScene(t)
	id := sc.succeeded()
	full := &os.LinkError{Op: "link", Err: syscall.ENOSPC}
	sc.step = func(op, path string, call func() error) error {
		if strings.HasPrefix(path, sc.PublishedDir()) {
			return full
		}
		return call()
	}
	_, err := sc.Checkup(EntryOf(sc.submission.New()), time.Now(), time.Hour)
	sc.step = nil
	if !errors.Is(err, syscall.ENOSPC) || errors.Is(err, job.ErrFinished) {
		t.Errorf("the error of the checkup: %v", err)
	}
	if _, err := sc.Checkup(EntryOf(sc.submission.New()), time.Now(), time.Hour); !errors.Is(err, job.ErrFinished) {
		t.Errorf("when there is space: %v", err)
	}
	j, err := sc.Job(id)
	if err != nil {
		t.Fatal(err)
	}
	sc.checkFinished(j)
}

// otherProcess returns a store on the same directory, as another process has it.
func (sc scene) otherProcess() *Store {
	return &Store{dir: sc.dir, lease: sc.lease, maxAttempts: sc.maxAttempts, unpublish: sc.unpublish}
}

// succeeded makes a public job that has succeeded and whose worker died before it published
// anything; its spec is in sc.submission.
func (sc scene) succeeded() job.ID {
	sc.Helper()
	*sc.submission = *sc.spec()
	sc.submission.Owner, sc.submission.Public = "anna", true
	if err := sc.Create(sc.submission, []byte("picture"), nil); err != nil {
		sc.Fatal(err)
	}
	l, err := sc.Claim(sc.Context(), sc.submission.ID, 1, "tester")
	if err != nil {
		sc.Fatal(err)
	}
	sc.step = func(op, path string, call func() error) error {
		if strings.HasPrefix(path, sc.PublishedDir()) {
			return errCrash
		}
		return call()
	}
	err = paint(l, "painted")
	sc.step = nil
	if err != nil {
		sc.Fatal(err)
	}
	return l.Spec.ID
}

// before makes the store's calls one at a time from now on, and calls hook before each.
func (sc scene) before(hook func()) {
	var mu sync.Mutex
	sc.step = func(_, _ string, call func() error) error {
		mu.Lock()
		defer mu.Unlock()
		hook()
		return call()
	}
}

// A job is erased at every step of its success, and of its completion by the sweeper.
func TestErasureDuringPublishing(t *testing.T) {
	for name, prepare := range map[string]func(sc scene) (publish func() error){
		"by its worker": func(sc scene) func() error {
			*sc.submission = *sc.spec()
			sc.submission.Owner, sc.submission.Public = "anna", true
			if err := sc.Create(sc.submission, []byte("picture"), nil); err != nil {
				sc.Fatal(err)
			}
			l, err := sc.Claim(sc.Context(), sc.submission.ID, 1, "tester")
			if err != nil {
				sc.Fatal(err)
			}
			return func() error { return paint(l, "painted") }
		},
		"by the sweeper": func(sc scene) func() error {
			sc.succeeded()
			return func() error { _, err := sc.Checkup(EntryOf(sc.submission.New()), time.Now(), time.Hour); return err }
		},
	} {
		t.Run(name, func(t *testing.T) {
			for n, more := 0, true; more; n++ {
				sc := newScene(t)
				publish := prepare(sc)
				eraser, calls := sc.otherProcess(), 0
				sc.before(func() {
					if calls++; calls == n+1 {
						if err := eraser.Erase(sc.submission.ID, Erased); err != nil {
							t.Errorf("the erasure: %v", err)
						}
					}
				})
				err := publish()
				sc.step = nil
				if more = calls > n; !more {
					break
				}
				sc.sweep()
				sc.checkErased(job.ErrGone, nil)
				if t.Failed() {
					t.Fatalf("erased at call %d of the publisher, whose error is: %v", n, err)
				}
			}
		})
	}
}

package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Copies are removed before an erasure is complete; until they are, it is not.
func TestUnpublish(t *testing.T) {
	away := fmt.Errorf("%w: the bucket", job.ErrStoreUnavailable)
	sc := newScene(t)
	var ids []job.ID
	want := map[string]bool{}
	for range 3 {
		id := sc.succeeded()
		ids = append(ids, id)
		for _, name := range Published(id, "jpeg", true) {
			want[name] = true
		}
	}
	sc.sweep()
	unpublished, calls := map[string]bool{}, 0
	var failure error
	sc.unpublish = func(names []string) error {
		calls++
		if left := sc.allPublished(); left[names[0]] != "" {
			t.Errorf("%v are still published", names)
		}
		if failure == nil {
			for _, name := range names {
				unpublished[name] = true
			}
		}
		return failure
	}
	failure = away
	for _, id := range ids[:2] {
		if err := sc.Erase(id, Erased); !errors.Is(err, job.ErrStoreUnavailable) {
			t.Errorf("erased with copies left: %v", err)
		}
		if _, err := sc.Job(id); !errors.Is(err, job.ErrGone) {
			t.Errorf("read: %v", err)
		}
		if stone, err := sc.Tombstone(id); err != nil || stone.Owner != "anna" {
			t.Errorf("the tombstone: %+v, %v", stone, err)
		}
	}
	calls = 0
	if err := sc.endAllErasures(); !errors.Is(err, job.ErrStoreUnavailable) || calls != 1 {
		t.Errorf("the sweeper: %v, after %d calls; want one call", err, calls)
	}
	failure = nil
	sc.sweep()
	if p, err := sc.Expire(context.Background(), time.Now().Add(time.Hour), ""); p.Count != 1 || err != nil {
		t.Errorf("%d expired, %v", p.Count, err)
	}
	if !maps.Equal(unpublished, want) {
		t.Errorf("unpublished %v, want %v", unpublished, want)
	}
	calls = 0
	if err := sc.endAllErasures(); err != nil || calls != 0 {
		t.Errorf("the sweeper again: %v, %d calls", err, calls)
	}
	if left := sc.leftovers(); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The retention removes what is published, and then the folders.
func TestRetentionUnpublishes(t *testing.T) {
	sc := newScene(t)
	var ids []job.ID
	for _, public := range []bool{false, true} {
		l := sc.createAndClaimAs(public)
		if err := paint(l, "painted"); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, l.Spec.ID)
	}
	later := ids[1].Time().Add(2 * time.Hour)
	if p, err := sc.Expire(context.Background(), later, ""); p.Count != 2 || err != nil {
		t.Fatalf("%d expired, %v", p.Count, err)
	}
	if left := sc.allPublished(); len(left) > 0 {
		t.Errorf("published: %q", left)
	}
	if hours, err := filepath.Glob(filepath.Join(sc.PublishedDir(), "*/*/*/*/*")); err != nil || len(hours) > 0 {
		t.Errorf("folders left: %v, %v", hours, err)
	}
}

// A submission whose message could not be sent is discarded, although a worker has received one and
// has already succeeded.
func TestDiscardAfterSuccess(t *testing.T) {
	sc := newScene(t)
	id := sc.succeeded()
	sc.sweep()
	if len(sc.allPublished()) != 2 {
		t.Fatal("not published")
	}
	if err := sc.Discard(sc.submission); err != nil {
		t.Fatal(err)
	}
	if left := sc.allPublished(); len(left) > 0 {
		t.Errorf("published: %q", left)
	}
	if _, err := sc.Job(id); !errors.Is(err, job.ErrNotFound) {
		t.Error(err)
	}
}

// A worker that has not noticed that the job is being erased writes into its folder, and publishes
// from there, until the folder is removed.
func TestPublishingDuringRemovalOfFolder(t *testing.T) {
	sc := newScene(t)
	id := sc.succeeded()
	var copies []string
	sc.unpublish = func(names []string) error { copies = append(copies, names...); return nil }
	result := sc.publishedPaths(id, "jpeg", true)[0]
	sc.step = func(op, path string, call func() error) error {
		if op == "remove" && path == sc.erasedDir(id) {
			late := filepath.Join(path, outputFile(2))
			if err := errors.Join(os.MkdirAll(filepath.Dir(result), 0o750), os.WriteFile(late, []byte("late"), 0o600), os.Link(late, result)); err != nil {
				t.Error(err)
			}
		}
		return call()
	}
	err := sc.Erase(id, Erased)
	sc.step = nil
	if left := sc.allPublished(); err != nil || len(left) > 0 {
		t.Errorf("published after the erasure: %v, %v", left, err)
	}
	if name := Published(id, "jpeg", true)[0]; len(copies) == 0 || copies[len(copies)-1] != name {
		t.Errorf("the copies that were removed are %v; the last must be %s", copies, name)
	}
}

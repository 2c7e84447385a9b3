package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// minuteAgo returns the name in active/ of the folder of n minutes ago.
func minuteAgo(n int) string {
	return time.Now().UTC().Add(-time.Duration(n) * time.Minute).Format("2006-01-02-15-04")
}

// The sweep removes empty folders of many owners, of any age, in few calls.
func TestEmptyActiveFoldersAreRemoved(t *testing.T) {
	sc := newScene(t)
	const owners, minutes = 50, 100
	for owner := range owners {
		for minute := range minutes {
			path := filepath.Join(sc.dir, activeDir, ownerFolder(fmt.Sprint(owner)), minuteAgo(minute))
			if err := os.MkdirAll(path, 0o750); err != nil {
				t.Fatal(err)
			}
		}
	}
	n, _ := sc.calls(func() {
		if active, err := sc.Active(); err != nil || len(active) != 0 {
			t.Error(active, err)
		}
	})
	if n > 4*owners*minutes {
		t.Errorf("%d calls for %d folders", n, owners*minutes)
	}
	if _, err := sc.Active(); err != nil {
		t.Error(err)
	}
	if left, err := filepath.Glob(filepath.Join(sc.dir, activeDir, "*")); err != nil || len(left) != 0 {
		t.Errorf("%d owners' folders are left, %v", len(left), err)
	}
}

// activeIn returns the ids in folders, and the errors of those that can't be listed.
func (sc scene) activeIn(folders []ActiveFolder) (ids []job.ID, err error) {
	for _, f := range folders {
		entries, ferr := sc.ActiveIn(f)
		err = errors.Join(err, ferr)
		for _, e := range entries {
			ids = append(ids, e.ID)
		}
	}
	return ids, err
}

// A folder that can't be listed does not hide the others.
func TestBadActiveFolderHidesNoOthers(t *testing.T) {
	sc := newScene(t)
	now := time.Now()
	var want []job.ID
	for i, owner := range []string{"anna", "ben", "cleo"} {
		for k, grain := range []job.Grain{job.Hour, job.Second} {
			id := idAt(now, 2*i+k, grain)
			sc.createUnder(owner, id)
			want = append(want, id)
		}
	}
	bad := errors.New("input/output error")
	fail := filepath.Join(sc.dir, activeDir, ownerFolder("anna"))
	sc.step = func(op, path string, call func() error) error {
		if op == "readdir" && path == fail {
			return bad
		}
		return call()
	}
	folders, err := sc.ActiveFolders(t.Context())
	if !errors.Is(err, bad) {
		t.Errorf("one owner's folder: %v", err)
	}
	fail = filepath.Join(sc.dir, activeDir, ownerFolder("ben"))
	got, err := sc.activeIn(folders)
	sc.step = nil
	if !errors.Is(err, bad) {
		t.Errorf("one of the folders: %v", err)
	}
	slices.Sort(got)
	want = want[3:] // without Anna's two, and Ben's in his own folder
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sc.ActiveFolders(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

// The folders of all owners are listed oldest first: the owners' own folders, then those of
// minutes.
func TestActiveFoldersAreOldestFirst(t *testing.T) {
	sc := newScene(t)
	now := time.Now()
	var want []job.ID
	for i, owner := range []string{"anna", "ben"} {
		sc.addToIndexes(owner, idAt(now, i, job.Hour))
		for minutes := range 3 {
			at := now.Add(-time.Duration(2*minutes+i+1) * time.Minute)
			id := idAt(at, i, job.Minute)
			sc.addToIndexes(owner, id)
			want = append(want, id)
		}
	}
	slices.Sort(want)
	folders, err := sc.ActiveFolders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.IsSortedFunc(folders, func(a, b ActiveFolder) int { return cmp.Compare(a.Position(), b.Position()) }) {
		t.Errorf("not in the order of their positions: %v", folders)
	}
	if len(folders) != 8 {
		t.Fatal(folders)
	}
	got, err := sc.activeIn(folders[2:])
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

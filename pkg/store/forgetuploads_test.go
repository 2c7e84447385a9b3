package store

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// The old uploads of all owners are removed, however many there are, even if each call has little
// time and the upload of one owner can't be removed.
func TestUploadsOfManyOwnersAreForgotten(t *testing.T) {
	sc := newScene(t)
	const owners = 100
	root := filepath.Join(sc.dir, uploadsDir)
	name := string(sc.spec().ID) + ".7"
	for i := range owners {
		dir := filepath.Join(root, ownerFolder(fmt.Sprint(i)))
		if err := errors.Join(os.Mkdir(dir, 0o750), os.WriteFile(filepath.Join(dir, name), nil, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	stuck := filepath.Join(root, ownerFolder("3"), name)
	damaged := filepath.Join(stuck, "folder") // a folder that is not empty in the upload's place
	if err := errors.Join(os.Remove(stuck), os.MkdirAll(damaged, 0o750)); err != nil {
		t.Fatal(err)
	}
	later := time.Now().Add(25 * time.Hour)
	var p Progress
	parts, forgotten := 0, 0
	for ; !p.Done && parts < 40; parts++ {
		sc.withinCalls(150, func(ctx context.Context) { p, _ = sc.ForgetUploads(ctx, p.After, later) })
		forgotten += p.Count
	}
	if !p.Done || p.After != "" || parts < 2 || forgotten != owners-1 {
		t.Errorf("%d parts, %d removed, %+v; want all but one of %d in several parts", parts, forgotten, p, owners)
	}
	if left, err := os.ReadDir(root); err != nil || len(left) != 1 {
		t.Errorf("%d owners are left, %v", len(left), err)
	}
}

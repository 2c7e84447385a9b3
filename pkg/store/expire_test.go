package store_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// A submission makes the folders of its hour from the top. The retention must not remove empty
// folders of a time that is not over.
func TestExpireLeavesFoldersOfThePresent(t *testing.T) {
	dir := t.TempDir()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	now := time.Date(2026, 11, 23, 21, 30, 0, 0, time.UTC)
	begun := filepath.Join(dir, "jobs", "2026")
	over := filepath.Join(dir, "jobs", "2025", "11")
	for _, path := range []string{begun, over} {
		if err := os.MkdirAll(path, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Expire(context.Background(), now.Add(-30*24*time.Hour), ""); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(begun); err != nil {
		t.Errorf("the folder of this year: %v", err)
	}
	if _, err := os.Stat(filepath.Dir(over)); !os.IsNotExist(err) {
		t.Errorf("the empty folder of last year: %v, want that it is gone", err)
	}
}

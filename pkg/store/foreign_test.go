package store

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Names that are no turns of ours keep nobody from sweeping.
func TestForeignTurnsDoNotEndTheSweeping(t *testing.T) {
	for _, name := range []string{"turn.+999999", "turn.007", "turn.+7", "turn.-7", "turn.9223372036854775807", "turn.1000000000", "turn.999999999",
		"turn.5/folder/file", "7", "turn."} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			if won, err := sc.Turn(time.Hour); err != nil || !won {
				t.Fatal(won, err)
			}
			path := filepath.Join(sc.dir, sweepDir, name)
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), os.WriteFile(path, nil, 0o600)); err != nil {
				t.Fatal(err)
			}
			swept := 0
			for range 5 {
				turns, err := os.ReadDir(filepath.Join(sc.dir, sweepDir))
				if err != nil {
					t.Fatal(err)
				}
				old := time.Now().Add(-2 * time.Hour)
				for _, e := range turns {
					if err := os.Chtimes(filepath.Join(sc.dir, sweepDir, e.Name()), old, old); err != nil {
						t.Fatal(err)
					}
				}
				won, err := sc.Turn(time.Hour)
				if err != nil {
					t.Error(err)
				}
				if won {
					swept++
				}
				if again, err := sc.Turn(time.Hour); err != nil || won && again {
					t.Errorf("a second turn at once: %t, %v", again, err)
				}
			}
			if swept < 4 {
				t.Errorf("swept %d times of 5", swept)
			}
		})
	}
}

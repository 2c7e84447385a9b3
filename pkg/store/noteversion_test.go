package store

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

func TestNoteVersion(t *testing.T) {
	sc := newScene(t)
	want := func(when, content string, version int) {
		t.Helper()
		if got, v, err := sc.NoteVersion(CopyNote); err != nil || string(got) != content || v != version {
			t.Errorf("%s: got %q, version %d, %v; want %q, version %d", when, got, v, err, content, version)
		}
	}
	set := func(after int, content string) error { return sc.SetNoteVersion(CopyNote, after, []byte(content)) }
	want("without a note", "", 0)
	for after, content := range []string{"a", "b", "c"} {
		if err := set(after, content); err != nil {
			t.Fatal(err)
		}
		want("written", content, after+1)
	}
	// A process was paused after it had read a version, which was replaced since.
	for after := range 3 {
		if err := set(after, "old"); !errors.Is(err, ErrOvertaken) {
			t.Errorf("after version %d: %v", after, err)
		}
		want("after an old version", "c", 3)
	}
	names, err := os.ReadDir(filepath.Join(sc.dir, sweepDir))
	if err != nil || len(names) != 1 {
		t.Errorf("left: %q, %v", names, err)
	}
	for _, name := range []string{"copy.json", "copy.json.007", "copy.json.+9", "copy.json.99999999999999999999", "copy.json.9007199254740991", "copy.json.x"} {
		if err := os.WriteFile(filepath.Join(sc.dir, sweepDir, name), []byte("foreign"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want("beside foreign files", "c", 3)
	if err := os.MkdirAll(filepath.Join(sc.dir, sweepDir, "copy.json.5", "folder"), 0o750); err != nil {
		t.Fatal(err)
	}
	if _, v, err := sc.NoteVersion(CopyNote); !errors.Is(err, job.ErrDamagedJob) || v != 5 {
		t.Errorf("a folder: version %d, %v", v, err)
	}
	if err := set(5, "d"); err != nil {
		t.Error(err)
	}
	want("after a folder", "d", 6)
	// A foreign number that could have been reached does not prevent later versions.
	foreign := int(time.Now().Add(-time.Minute).UnixMilli())
	if err := os.WriteFile(sc.versionPath(CopyNote, foreign), []byte("foreign"), 0o600); err != nil {
		t.Fatal(err)
	}
	for after := foreign; after < foreign+3; after++ {
		if err := set(after, "e"); err != nil {
			t.Error(err)
		}
		want("after a foreign number", "e", after+1)
	}
}

// Of several processes that write the same version one succeeds.
func TestNoteVersionOfMany(t *testing.T) {
	sc := newScene(t)
	var won, lost atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 20 {
				_, v, err := sc.NoteVersion(CopyNote)
				if err == nil {
					err = sc.SetNoteVersion(CopyNote, v, []byte("note"))
				}
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, ErrOvertaken):
					lost.Add(1)
				default:
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if _, v, err := sc.NoteVersion(CopyNote); err != nil || won.Load() == 0 || int64(v) < won.Load() || won.Load()+lost.Load() != 160 {
		t.Errorf("version %d, %v, after %d writes; %d lost", v, err, won.Load(), lost.Load())
	}
}

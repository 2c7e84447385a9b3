package keyring_test

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/api/keyring"
)

func TestChangesAreNoticed(t *testing.T) {
	annas, anna := made(t, "anna", "read")
	bertas, berta := made(t, "berta", "read")
	f := newFile(t, anna)
	r := f.mustOpen()
	holds := func(what, key string, want bool) {
		t.Helper()
		if _, ok := r.Lookup(key); ok != want {
			t.Errorf("%s: got %v, want %v", what, ok, want)
		}
	}
	holds("before", bertas, false)
	f.write(anna, berta)
	holds("a key was added", bertas, true)
	holds("the old one", annas, true)
	f.write(berta)
	holds("it was taken out", annas, false)

	f.write("# empty")
	holds("all were taken out", bertas, false)
	f.write(anna)
	holds("another was put in", annas, true)
}

// Faults are logged every minute, even without requests.
func TestFaultsAreLoggedAgain(t *testing.T) {
	_, anna := made(t, "anna", "read")
	f := newFile(t, anna)
	synctest.Test(t, func(t *testing.T) {
		r := f.mustOpen()
		ctx, stop := context.WithCancel(t.Context())
		var done sync.WaitGroup
		done.Go(func() { r.Watch(ctx) })
		logged := func(want string, n int) {
			t.Helper()
			synctest.Wait()
			if got := strings.Count(f.said.String(), want); got != n {
				t.Errorf("%q was logged %d times, want %d:\n%s", want, got, n, f.said.String())
			}
			f.said.Reset()
		}
		f.write(anna, "nonsense")
		time.Sleep(11 * time.Second) // between two looks
		logged("line 2: a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not 1", 1)
		time.Sleep(10 * time.Minute)
		logged("line 2: a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not 1", 10)
		f.write(anna)
		time.Sleep(time.Minute)
		logged("level=ERROR", 0)
		stop()
		done.Wait()
	})
}

// The keys of a file that is missing or unreadable are valid for a minute.
func TestUnreadableFiles(t *testing.T) {
	annas, anna := made(t, "anna", "read")
	bertas, berta := made(t, "berta", "read")
	for name, spoil := range map[string]func(path string) error{
		"away":     func(string) error { return nil },
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
		"a pipe":   func(path string) error { return syscall.Mkfifo(path, 0o600) },
		"huge":     func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte(anna+"\n"), 1<<14), 0o600) },
		"a loop":   func(path string) error { return os.Symlink(path, path) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t, anna)
			synctest.Test(t, func(t *testing.T) {
				r := f.mustOpen()
				err := os.Remove(f.path)
				if err == nil {
					err = spoil(f.path)
				}
				if err != nil {
					t.Fatal(err)
				}
				for at := range 60 {
					if _, ok := r.Lookup(annas); !ok {
						t.Fatalf("refused after %d s", at)
					}
					if s := r.Status(); s.Readable || s.Keys != 1 || s.Err != nil {
						t.Fatalf("after %d s: %+v", at, s)
					}
					time.Sleep(time.Second)
				}
				for range 180 {
					if _, ok := r.Lookup(annas); ok {
						t.Fatal("admitted after a minute")
					}
					if s := r.Status(); s.Readable || s.Keys != 0 || s.Err == nil {
						t.Fatalf("after a minute: %+v", s)
					}
					time.Sleep(time.Second)
				}
				if said := f.said.String(); strings.Count(said, "no key is valid") != 3 || strings.Count(said, "are valid for 1m0s") != 1 {
					t.Errorf("it was logged:\n%s", said)
				}
				if err := os.Remove(f.path); err != nil && name != "away" {
					t.Fatal(err)
				}
				f.write(berta)
				if _, ok := r.Lookup(annas); ok {
					t.Error("a key that is not in the file any more")
				}
				if _, ok := r.Lookup(bertas); !ok || r.Status() != (keyring.Status{Keys: 1, Readable: true}) {
					t.Errorf("it can be read again: %v, %+v", ok, r.Status())
				}
			})
		})
	}
}

// Concurrent lookups while the file changes each find one complete version of it.
func TestLookupsWhileTheFileChanges(t *testing.T) {
	always, line := made(t, "anna", "read")
	f := newFile(t, line)
	f.path = filepath.Clean(f.path)
	r, err := keyring.Open(f.path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if h, ok := r.Lookup(always); !ok || h.Owner != "anna" {
					t.Error("a key that was always there was not found")
					return
				}
			}
		})
	}
	for range 100 {
		_, other := made(t, "berta", "read")
		f.write(other, line)
		f.write("broken", line)
	}
	close(stop)
	all.Wait()
}

// A file that is rewritten in place, with the same size and its old times.
func TestRewritesWithOldTimesAreNoticed(t *testing.T) {
	annas, anna := made(t, "anna", "read")
	_, carl := made(t, "carl", "read")
	f := newFile(t, anna)
	r := f.mustOpen()
	before, err := os.Stat(f.path)
	if err != nil {
		t.Fatal(err)
	}
	// File systems keep times to some milliseconds only.
	for end := time.Now().Add(2 * time.Second); ; {
		if err := os.WriteFile(f.path, []byte(carl), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(f.path, time.Time{}, before.ModTime()); err != nil {
			t.Fatal(err)
		}
		if _, ok := r.Lookup(annas); !ok {
			break
		}
		if time.Now().After(end) {
			t.Fatal("a key that was taken out is admitted")
		}
	}
}

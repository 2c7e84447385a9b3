package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A process that is paused while it removes a key, until the key is another job's, does not remove
// that key. What a process has left that died in such a removal is removed.
func TestForgetKeysKeepsNewerKey(t *testing.T) {
	sc := newScene(t)
	key := sc.keyPath(keyHash("anna", "key"))
	sc.makeKeyFolder(keyHash("anna", "key"))
	left := filepath.Join(filepath.Dir(key), tempPrefix+"LEFT")
	old := time.Now().Add(-25 * time.Hour)
	for _, path := range []string{key, left} {
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	struck := false
	sc.step = func(op, path string, call func() error) error {
		if op == "rename" && strings.HasPrefix(filepath.Base(path), tempPrefix) {
			struck = true
			if err := errors.Join(os.Remove(key), os.WriteFile(key, []byte("newer"), 0o600)); err != nil {
				t.Error(err)
			}
		}
		return call()
	}
	p, err := sc.ForgetKeys(t.Context(), "", time.Now())
	sc.step = nil
	if err != nil || !p.Done || p.Count != 0 || !struck {
		t.Errorf("%+v, %v, struck %t", p, err, struck)
	}
	if b, err := os.ReadFile(key); err != nil || string(b) != "newer" {
		t.Errorf("the newer key: %q, %v", b, err)
	}
	if names, err := sc.list(filepath.Dir(key)); err != nil || len(names) != 1 {
		t.Errorf("the folder has %v, %v", names, err)
	}
}

// A key that can't be removed does not stop the removal of others.
func TestUnremovableKeyDoesNotStopForgetKeys(t *testing.T) {
	sc := newScene(t)
	old := time.Now().Add(-25 * time.Hour)
	refused := errors.New("refused")
	var first string
	for _, name := range []string{"a", "b", "c"} {
		key := keyHash("anna", name)
		sc.makeKeyFolder(key)
		path := sc.keyPath(key)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
		if first == "" || path < first {
			first = path
		}
	}
	sc.step = func(op, path string, call func() error) error {
		if op == "stat" && path == first {
			return refused
		}
		return call()
	}
	p, err := sc.ForgetKeys(t.Context(), "", time.Now())
	sc.step = nil
	if !errors.Is(err, refused) || p.Count != 2 || !p.Done {
		t.Errorf("%+v, %v; want the other two removed", p, err)
	}
}

package keyring

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A read of the file that never ends, as on a dead mount, makes all keys invalid. The held lock
// stands for it, because not every environment can make a system call hang.
func TestHangingFileSystem(t *testing.T) {
	h, err := NewHolder("anna", []string{"read"})
	if err != nil {
		t.Fatal(err)
	}
	key, line := New(h)
	path := filepath.Join(t.TempDir(), "keys")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(line)
	synctest.Test(t, func(t *testing.T) {
		var said bytes.Buffer
		r, err := Open(path, slog.New(slog.NewTextHandler(&said, nil)))
		if err != nil {
			t.Fatal(err)
		}
		r.reading.Lock()
		write("# empty")
		time.Sleep(Grace - time.Second)
		if _, ok := r.Lookup(key); !ok || r.Status() != (Status{Keys: 1, Readable: true}) {
			t.Errorf("refused before %s: %+v", Grace, r.Status())
		}
		time.Sleep(2 * time.Second)
		for range 3 {
			if _, ok := r.Lookup(key); ok {
				t.Error("the key is valid although the file can't be read")
			}
			if s := r.Status(); s.Keys != 0 || s.Readable || s.Err == nil {
				t.Errorf("got %+v", s)
			}
			time.Sleep(24 * time.Hour)
		}
		if n := strings.Count(said.String(), "has not responded for 1m0s"); n != 3 {
			t.Errorf("it was logged %d times: %s", n, said.String())
		}
		write(line)
		r.reading.Unlock()
		if _, ok := r.Lookup(key); !ok || r.Status() != (Status{Keys: 1, Readable: true}) {
			t.Errorf("it responds again: %+v", r.Status())
		}
	})
}

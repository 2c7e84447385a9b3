package keyring_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/api/keyring"
)

// made makes a key and its line.
func made(t *testing.T, owner string, scopes ...string) (key, line string) {
	t.Helper()
	h, err := keyring.NewHolder(owner, scopes)
	if err != nil {
		t.Fatal(err)
	}
	return keyring.New(h)
}

// A keyFile is a file of keys, and what the log says of it.
type keyFile struct {
	*testing.T
	path string
	said bytes.Buffer
}

func newFile(t *testing.T, lines ...string) *keyFile {
	t.Helper()
	f := &keyFile{T: t, path: filepath.Join(t.TempDir(), "keys")}
	f.write(lines...)
	return f
}

// write replaces the file as an editor does, by another.
func (f *keyFile) write(lines ...string) {
	f.Helper()
	err := os.WriteFile(f.path+".new", []byte(strings.Join(lines, "\n")), 0o600)
	if err == nil {
		err = os.Rename(f.path+".new", f.path)
	}
	if err != nil {
		f.Fatal(err)
	}
}

func (f *keyFile) open() (*keyring.Ring, error) {
	return keyring.Open(f.path, slog.New(slog.NewTextHandler(&f.said, nil)))
}

func (f *keyFile) mustOpen() *keyring.Ring {
	f.Helper()
	r, err := f.open()
	if err != nil {
		f.Fatal(err)
	}
	return r
}

func TestKeysAreKnownByTheirHash(t *testing.T) {
	annas, anna := made(t, "anna", "submit", "read")
	second, line2 := made(t, "anna", "read")
	roots, root := made(t, "ops@example.org", "admin")
	r := newFile(t, "# owner  scopes  hash", "", anna, "  "+line2+"\r", root).mustOpen()
	for key, want := range map[string]string{annas: "anna [submit read]", second: "anna [read]", roots: "ops@example.org [admin]"} {
		if h, ok := r.Lookup(key); !ok || fmt.Sprint(h.Owner, " ", h.Scopes) != want {
			t.Errorf("got %+v, %v, want %s", h, ok, want)
		}
		if strings.Contains(anna+line2+root, key) || len(key) < 30 {
			t.Errorf("the key %s is in the file, or short", key)
		}
	}
	for _, key := range []string{"", "x", annas + " ", strings.ToUpper(annas), annas[:len(annas)-1], anna, strings.Fields(anna)[2]} {
		if h, ok := r.Lookup(key); ok {
			t.Errorf("%q is %+v's", key, h)
		}
	}
	h, _ := r.Lookup(annas)
	if !h.May(keyring.Submit) || !h.May(keyring.Read) || h.May(keyring.Admin) {
		t.Errorf("what anna may: %v", h)
	}
	if h, _ := r.Lookup(second); h.May(keyring.Submit) {
		t.Errorf("what a key to read may: %v", h)
	}
	if h, _ := r.Lookup(roots); !h.May(keyring.Submit) || !h.May(keyring.Read) || !h.May(keyring.Admin) {
		t.Errorf("what an admin may: %v", h)
	}
}

func TestBadFilesAreRefusedByLine(t *testing.T) {
	key, good := made(t, "anna", "read")
	words := strings.Fields(good)
	for name, tt := range map[string]struct {
		lines []string
		want  string
	}{
		"nothing":           {nil, "no key in it"},
		"comments alone":    {[]string{"# nothing yet"}, "no key in it"},
		"two words":         {[]string{good, "anna read"}, "line 2: 2 words"},
		"scopes with space": {[]string{"anna submit, read " + words[2]}, "line 1: 4 words"},
		"an odd owner":      {[]string{"", "an/na read " + words[2]}, `line 2: the owner "an/na"`},
		"a long owner":      {[]string{strings.Repeat("a", 65) + " read " + words[2]}, "line 1: the owner"},
		"an unknown scope":  {[]string{"anna write " + words[2]}, `line 1: there is no scope "write", but [submit read admin]`},
		"an empty scope":    {[]string{"anna read, " + words[2]}, `line 1: there is no scope ""`},
		"a scope twice":     {[]string{"anna read,read " + words[2]}, "line 1: the scope read twice"},
		"the key itself":    {[]string{"anna read " + key}, "line 1: the third word must be sha256:"},
		"another hash":      {[]string{"anna read md5:" + words[2][7:]}, "line 1: the third word must be sha256:"},
		"a short hash":      {[]string{"anna read " + words[2][:20]}, "line 1: the hash must be 64"},
		"no hexadecimals":   {[]string{"anna read sha256:" + strings.Repeat("z", 64)}, "line 1: the hash must be 64"},
		"a key twice":       {[]string{good, "#", "berta read " + words[2]}, "line 3: the same key as in line 1"},
		"a huge file":       {[]string{strings.Repeat("# x\n", 1<<18) + good}, "larger than"},
		"a huge line":       {[]string{"#" + strings.Repeat("x", 1<<17)}, "too long"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFile(t, tt.lines...)
			_, err := f.open()
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), f.path) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if strings.Contains(fmt.Sprint(err)+f.said.String(), key) {
				t.Errorf("the key is told: %v %s", err, f.said.String())
			}
		})
	}
	for _, path := range []string{t.TempDir(), filepath.Join(t.TempDir(), "none")} {
		if _, err := keyring.Open(path, slog.New(slog.DiscardHandler)); err == nil || strings.Count(err.Error(), path) != 1 {
			t.Errorf("open %s: %v", path, err)
		}
	}
}

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

	f.write(berta, "nonsense")
	holds("the file is wrong", bertas, true)
	holds("the file is wrong, again", bertas, true)
	if n := strings.Count(f.said.String(), "line 2: 1 words"); n != 1 {
		t.Errorf("it was logged %d times: %s", n, f.said.String())
	}
	if err := os.Remove(f.path); err != nil {
		t.Fatal(err)
	}
	holds("the file is away", bertas, true)
	f.write("# nobody")
	holds("all were taken out", bertas, false)
	f.write(anna)
	holds("another was put in", annas, true)
}

func TestOpenFilesAreWarnedOf(t *testing.T) {
	_, anna := made(t, "anna", "read")
	for mode, want := range map[os.FileMode]bool{0o600: false, 0o640: false, 0o644: true, 0o602: true} {
		f := newFile(t, anna)
		if err := os.Chmod(f.path, mode); err != nil {
			t.Fatal(err)
		}
		f.mustOpen()
		if got := strings.Contains(f.said.String(), "chmod 600"); got != want {
			t.Errorf("mode %o: warned %v, want %v: %s", mode, got, want, f.said.String())
		}
	}
}

// Many look up while the file changes; each finds a whole state of it.
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

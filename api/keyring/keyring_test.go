package keyring_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
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

// A keyFile is a file of keys and its log.
type keyFile struct {
	*testing.T
	path string
	said said
}

// said is a log that is read while it is written.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (s *said) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.b.Reset()
}

func newFile(t *testing.T, lines ...string) *keyFile {
	t.Helper()
	f := &keyFile{T: t, path: filepath.Join(t.TempDir(), "keys")}
	f.write(lines...)
	return f
}

// write replaces the file by another, like an editor.
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

func TestLookup(t *testing.T) {
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

func TestInvalidLinesAreReported(t *testing.T) {
	key, good := made(t, "anna", "read")
	words := strings.Fields(good)
	for name, tt := range map[string]struct {
		lines []string
		want  string
	}{
		"nothing":           {nil, "contains no key"},
		"only comments":     {[]string{"# nothing yet"}, "contains no key"},
		"two words":         {[]string{good, "anna read"}, "line 2: a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not 2"},
		"scopes with space": {[]string{"anna submit, read " + words[2]}, "line 1: a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not 4"},
		"an odd owner":      {[]string{"", "an/na read " + words[2]}, `line 2: the owner "an/na"`},
		"a long owner":      {[]string{strings.Repeat("a", 65) + " read " + words[2]}, "line 1: the owner"},
		"an unknown scope":  {[]string{"anna write " + words[2]}, `line 1: unknown scope "write"; the scopes are [submit read admin]`},
		"an empty scope":    {[]string{"anna read, " + words[2]}, `line 1: unknown scope ""`},
		"a scope twice":     {[]string{"anna read,read " + words[2]}, "line 1: the scope read appears twice"},
		"the key itself":    {[]string{"anna read " + key}, "line 1: the third word must be sha256:"},
		"another hash":      {[]string{"anna read md5:" + words[2][7:]}, "line 1: the third word must be sha256:"},
		"a short hash":      {[]string{"anna read " + words[2][:20]}, "line 1: the hash must be 64"},
		"no hexadecimals":   {[]string{"anna read sha256:" + strings.Repeat("z", 64)}, "line 1: the hash must be 64"},
		"a key twice":       {[]string{good, "#", "berta read " + words[2]}, "line 3: the same key as in line 1"},
		"a huge file":       {[]string{strings.Repeat("# x\n", 1<<18) + good}, "larger than"},
		"a huge line":       {[]string{good, strings.Repeat("x", 1<<17)}, "line 2: a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not 1"},
		"two of them":       {[]string{"x", good, "y z"}, "line 1: a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not 1\nline 3: a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not 2"},
		"a key for a scope": {[]string{"anna " + key + " " + words[2]}, `line 1: unknown scope "..."; the scopes are`},
		"a key for a name":  {[]string{"x/" + key + " read " + words[2]}, `line 1: the owner "x/..."`},
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

// A typo beside a key that is revoked, added or changed affects its own line only.
func TestLinesAreIndependent(t *testing.T) {
	annas, anna := made(t, "anna", "read")
	bertas, berta := made(t, "berta", "read")
	carls, carl := made(t, "carl", "admin")
	f := newFile(t, anna, berta)
	r := f.mustOpen()
	expect := func(what string, status keyring.Status, keys ...string) {
		t.Helper()
		for name, key := range map[string]string{"anna": annas, "berta": bertas, "carl": carls} {
			if _, ok := r.Lookup(key); ok != slices.Contains(keys, key) {
				t.Errorf("%s: the key of %s: got %v", what, name, ok)
			}
		}
		if got := r.Status(); got != status {
			t.Errorf("%s: got %+v, want %+v", what, got, status)
		}
	}
	expect("before", keyring.Status{Keys: 2, Readable: true}, annas, bertas)
	f.write("nonsense", berta)
	expect("revoked beside a typo", keyring.Status{Keys: 1, BadLines: 1, Readable: true}, bertas)
	f.write("# "+anna, berta[:len(berta)-1], carl)
	expect("a typo in the line of a key", keyring.Status{Keys: 1, BadLines: 1, Readable: true}, carls)
	f.write(berta, anna+" !", "x y", carl)
	expect("two typos", keyring.Status{Keys: 2, BadLines: 2, Readable: true}, bertas, carls)
	f.write(carl, anna, strings.Replace(carl, "admin", "read", 1), carl)
	expect("a key in several lines", keyring.Status{Keys: 1, BadLines: 2, Readable: true}, annas)
	f.write("x", "y", "z")
	expect("nothing but typos", keyring.Status{BadLines: 3, Readable: true})
	f.write(anna, berta)
	expect("mended", keyring.Status{Keys: 2, Readable: true}, annas, bertas)
	for _, want := range []string{"line 2: the hash", "line 2: a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not 4", "line 3: a line has three words (an owner, scopes such as submit,read without spaces, and sha256:...), not 2", "line 3: the same key as in line 1"} {
		if n := strings.Count(f.said.String(), want); n != 1 {
			t.Errorf("%q was logged %d times:\n%s", want, n, f.said.String())
		}
	}
}

func TestFilePermissionsAreLogged(t *testing.T) {
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

// A lookup in a file with very many invalid lines costs no more than in one with a few.
func TestManyInvalidLines(t *testing.T) {
	annas, anna := made(t, "anna", "read")
	f := newFile(t, anna)
	r := f.mustOpen()
	f.write(anna, strings.Repeat("x\n", 500_000))
	if s := r.Status(); s.BadLines != 500_000 || s.Keys != 1 {
		t.Fatalf("got %+v", s)
	}
	if said := f.said.String(); len(said) > 8000 || !strings.Contains(said, "more invalid lines: 499980") {
		t.Errorf("%d bytes were logged: %.3000s", len(said), said)
	}
	allocated := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, ok := r.Lookup(annas); !ok {
				b.Fatal("refused")
			}
		}
	}).AllocedBytesPerOp()
	if allocated > 64<<10 {
		t.Errorf("a lookup allocates %d bytes", allocated)
	}
	if _, err := f.open(); err == nil || len(err.Error()) > 8000 {
		t.Errorf("open: %.3000v", err)
	}
}

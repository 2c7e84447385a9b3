package setup_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// debPath is the path of a package on a mirror of Debian.
const debPath = "pool/main/t/thing/libthing1_1-1_amd64.deb"

// deb is a package with a library, a link to it and its copyright.
var deb = func() []byte {
	var data bytes.Buffer
	t := tar.NewWriter(&data)
	for _, h := range []tar.Header{
		{Name: "./usr/lib/x86_64-linux-gnu/libthing.so.1.0.2", Size: int64(len(wheel))},
		{Name: "./usr/lib/x86_64-linux-gnu/libthing.so.1", Typeflag: tar.TypeSymlink, Linkname: "libthing.so.1.0.2"},
		{Name: "./usr/share/doc/libthing1/copyright", Size: int64(len(wheel))},
		{Name: "./usr/share/libthing.so.1.py", Size: int64(len(wheel))},
	} {
		err := t.WriteHeader(&h)
		if err == nil && h.Size > 0 {
			_, err = t.Write(wheel)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := t.Close(); err != nil {
		panic(err)
	}
	b := []byte("!<arch>\n")
	for _, member := range []struct {
		name    string
		content []byte
	}{{"debian-binary", []byte("2.0\n.")}, {"data.tar", data.Bytes()}} {
		b = fmt.Appendf(b, "%-16s%-12d%-6d%-6d%-8o%-10d`\n", member.name, 0, 0, 0, 0o644, len(member.content))
		b = append(b, member.content...)
		if len(member.content)%2 != 0 {
			b = append(b, '\n')
		}
	}
	return b
}()

func TestDebs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		serve server
		want  string
	}{
		"the file":             {whole(deb), good},
		"one disconnect":       {then(half, whole(deb)), good},
		"more":                 {plain(deb, []byte("z")), another},
		"more than pinned":     {whole(append(bytes.Clone(deb), 'z')), another},
		"without end":          {endless, another},
		"less":                 {whole(deb[:1000]), absent},
		"nothing":              {plain(), absent},
		"other content":        {whole(bytes.Repeat([]byte("x"), len(deb))), another},
		"redirected to itself": {loop, absent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/debian/"+debPath {
					http.NotFound(w, r)
					return
				}
				tt.serve(w, r, int(n.Add(1)))
			}))
			defer s.Close()
			home := t.TempDir()
			pins := filepath.Join(home, "pins.txt")
			write(t, pins, fmt.Appendf(nil, "%x %d %s\n", sha256.Sum256(deb), len(deb), debPath))
			target := filepath.Join(home, "libraries")
			part := filepath.Join(target+".new", filepath.Base(debPath)+".part")
			largest := watch(t, part, 0)
			out, err := python(t, filepath.Join(scripts(t), "debs.py"), []string{"HOME=" + home, "ATELIER_DEBIAN_MIRROR=" + s.URL + "/debian/"}, "--pins", pins, "--dir", target)
			outcome(t, out, err, tt.want, target)
			if size := largest(); size > len(deb) {
				t.Errorf("the part had %d bytes, want %d as pinned", size, len(deb))
			}
			if left, err := filepath.Glob(filepath.Join(target+".new", filepath.Base(debPath)+"*")); err != nil || len(left) > 0 {
				t.Errorf("unfinished files: %q, %v", left, err)
			}
			if tt.want != good {
				return
			}
			var names []string
			err = filepath.WalkDir(target, func(path string, e fs.DirEntry, err error) error {
				if err == nil && !e.IsDir() {
					b, err := os.ReadFile(path)
					if !bytes.Equal(b, wheel) {
						t.Errorf("%s has another content, %v", path, err)
					}
					names = append(names, strings.TrimPrefix(path, target+"/"))
				}
				return err
			})
			if got := strings.Join(names, " "); err != nil || got != "lib/libthing.so.1 libthing1.copyright" {
				t.Errorf("%s, %v", got, err)
			}
		})
	}
}

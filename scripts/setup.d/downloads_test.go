// Package setup_test tests the downloads of scripts/setup with servers that do not serve the pinned
// files.
package setup_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const wheelName = "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl"

// wheel is a wheel from which setup extracts files.
var wheel = func() []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	noise := make([]byte, 600<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise) // it never fails
	for _, name := range []string{"astronaut.png", "chelsea.png", "coffee.png", "hubble_deep_field.jpg", "rocket.jpg"} {
		w, err := z.CreateHeader(&zip.FileHeader{Name: "skimage/data/" + name, Method: zip.Store})
		if err == nil {
			_, err = w.Write(noise)
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}()

const (
	good    = ""
	another = "is not the pinned file"
	absent  = "could not download"
)

// The download of a wheel continues where the previous one stopped; part is the content that the
// previous one left.
func TestWheels(t *testing.T) {
	t.Parallel()
	middle := len(wheel) / 2
	rest := fmt.Sprintf("bytes %d-%d/%d", middle, len(wheel)-1, len(wheel))
	for name, tt := range map[string]struct {
		part  []byte
		serve server
		want  string
	}{
		"the file":                           {nil, whole(wheel), good},
		"the rest":                           {wheel[:middle], whole(wheel), good},
		"the whole file instead of the rest": {wheel[:middle], plain(wheel), good},
		"one disconnect":                     {nil, then(half, whole(wheel)), good},
		"three disconnects":                  {nil, func(w http.ResponseWriter, r *http.Request, n int) { then(half, whole(wheel))(w, r, max(1, n-2)) }, good},
		"a part of something else":           {other[:middle], whole(wheel), good},
		"a part that is too long":            {bytes.Repeat([]byte("y"), 3*len(wheel)), whole(wheel), good},
		"a part as long as the file":         {other, whole(wheel), good},
		"more":                               {nil, plain(wheel, []byte("z")), another},
		"more than the rest":                 {wheel[:middle], ranged(206, rest, append(bytes.Clone(wheel[middle:]), other...)), good}, // from the start
		"more than pinned":                   {nil, whole(append(bytes.Clone(wheel), 'z')), another},
		"without end":                        {nil, endless, another},
		"without end after a part":           {wheel[:middle], endless, another},
		"first without end":                  {nil, then(endless, whole(wheel)), good},
		"less":                               {nil, func(w http.ResponseWriter, r *http.Request, _ int) { whole(wheel[:middle])(w, r, 0) }, absent},
		"nothing":                            {nil, plain(), absent},
		"other content":                      {nil, whole(other), another},
		"another range":                      {wheel[:middle], ranged(206, "bytes 0-9/10", wheel[:10]), absent},
		"no range":                           {wheel[:middle], ranged(206, "", wheel[middle:]), absent},
		"a garbled range":                    {wheel[:middle], ranged(206, "bytes */x-"+strings.Repeat("9", 1000), wheel[middle:]), absent},
		"not satisfiable":                    {wheel[:middle], ranged(416, "", nil), good}, // from the start
		"redirected to itself":               {nil, loop, absent},
		"an error":                           {wheel[:middle], ranged(500, "", nil), absent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var n atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/") { // the index
					w.Header().Set("Content-Type", "text/html")
					fmt.Fprintf(w, `<!doctype html><a href="/files/%s">%[1]s</a>`, wheelName)
					return
				}
				tt.serve(w, r, int(n.Add(1)))
			}))
			defer s.Close()
			here := scripts(t)
			pin := fmt.Sprintf("samples any scikit-image 0.26.0 %d %x %s\n", len(wheel), sha256.Sum256(wheel), wheelName)
			write(t, filepath.Join(here, "wheels.txt"), []byte(pin))
			cache := t.TempDir()
			part := filepath.Join(cache, "downloads", wheelName+".part")
			if tt.part != nil {
				write(t, part, tt.part)
			}
			target := filepath.Join(cache, "samples")
			largest := watch(t, part, len(tt.part))
			out, err := python(t, filepath.Join(here, "fetch.py"), []string{"PIP_INDEX_URL=" + s.URL + "/simple/"},
				"wheel", "--kind", "samples", "--platform", "any", "--dir", target)
			outcome(t, out, err, tt.want, target)
			if size := largest(); size > max(len(wheel), len(tt.part)) {
				t.Errorf("%s had %d bytes, want %d as pinned", filepath.Base(part), size, len(wheel))
			}
			if info, err := os.Stat(part); err == nil && (tt.want != absent || info.Size() > int64(len(wheel))) {
				t.Errorf("%d bytes are left over", info.Size())
			}
		})
	}
}

// outcome checks whether target exists, and the output.
func outcome(t *testing.T, out []byte, err error, want, target string) {
	t.Helper()
	_, missing := os.Stat(target)
	if want == good {
		if err != nil || missing != nil {
			t.Errorf("%v, %v\n%s", err, missing, out)
		}
		return
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("the program ended with %v", err)
	}
	if !errors.Is(missing, fs.ErrNotExist) || !bytes.Contains(out, []byte(want)) || bytes.Contains(out, []byte("Traceback")) {
		t.Errorf("want %q: %v\n%s", want, missing, out)
	}
}

// watch returns a function that returns the largest observed size of a file.
func watch(t *testing.T, path string, at int) (largest func() int) {
	t.Helper()
	stop, result := make(chan struct{}), make(chan int)
	go func() {
		again := time.NewTicker(time.Millisecond)
		defer again.Stop()
		for {
			if info, err := os.Stat(path); err == nil {
				at = max(at, int(info.Size()))
			}
			select {
			case <-again.C:
			case <-stop:
				result <- at
				return
			}
		}
	}()
	return func() int { close(stop); return <-result }
}

// scripts copies the programs to a folder, in which the test puts its own pins.
func scripts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"fetch.py", "debs.py"} {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), b)
	}
	return dir
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	err := os.MkdirAll(filepath.Dir(path), 0o750)
	if err == nil {
		err = os.WriteFile(path, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// python runs a program like setup, with only the pip settings of the test, and kills it after
// three minutes.
func python(t *testing.T, program string, env []string, args ...string) ([]byte, error) {
	t.Helper()
	ministack := os.Getenv("ATELIER_MINISTACK")
	if ministack == "" {
		const missing = `there is no Python with pip: run scripts/setup, then eval "$(scripts/env)"`
		if os.Getenv("CI") != "" && !testing.Short() {
			t.Fatal(missing)
		}
		t.Skip(missing)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(filepath.Dir(ministack), "python"), append([]string{"-I", program}, args...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "PIP_CONFIG_FILE=" + os.DevNull, "no_proxy=127.0.0.1"}, env...)
	limit := time.AfterFunc(3*time.Minute, func() {
		t.Error("the program does not end")
		_ = cmd.Process.Kill() // fails only if it has just ended
	})
	defer limit.Stop()
	return cmd.CombinedOutput()
}

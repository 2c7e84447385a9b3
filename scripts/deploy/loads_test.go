package deploy_test

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loads checks that a worker loads its engine and model only from files unpacked into dir, with the
// expected libraries. It then fails because it can't reach its queue.
func loads(t *testing.T, dir, program string, libraries ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, program)) //nolint:gosec // just built
	cmd.Env = []string{
		"LD_DEBUG=files", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "AWS_MAX_ATTEMPTS=1",
		"ATELIER_DIR=" + t.TempDir(), "ATELIER_MODEL=" + filepath.Join(dir, "models", "atelier"),
	}
	b, err := cmd.CombinedOutput()
	out := string(b)
	if err == nil {
		t.Errorf("%s succeeded without a queue", program)
	}
	for _, library := range libraries {
		// The path may contain .. from the program's library path.
		if !strings.Contains(out, "calling init: "+dir) || !strings.Contains(out, "lib/"+library+"\n") {
			t.Errorf("%s does not load %s from the archive", program, library)
		}
	}
	if !strings.Contains(out, "127.0.0.1:1") {
		t.Errorf("%s failed before it called its queue:\n%s", program, out[max(0, len(out)-2000):])
	}
}

func unzip(t *testing.T, archive string) (dir string) {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir = t.TempDir()
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		store(t, filepath.Join(dir, filepath.FromSlash(f.Name)), f.Mode(), in) //nolint:gosec // just built
	}
	return dir
}

func untar(t *testing.T, archive string) (dir string) {
	t.Helper()
	in, err := os.Open(archive) //nolint:gosec // just built
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	z, err := gzip.NewReader(in)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		store(t, filepath.Join(dir, filepath.FromSlash(h.Name)), h.FileInfo().Mode(), r) //nolint:gosec // just built
	}
}

func store(t *testing.T, path string, mode fs.FileMode, content io.Reader) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, mode) //nolint:gosec // in a folder of the test
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.Copy(out, content)
	if err := errors.Join(err, out.Close()); err != nil {
		t.Fatal(err)
	}
}

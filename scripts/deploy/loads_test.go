package deploy_test

import (
	"archive/zip"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The worker loads its engine and model from the archive alone. It then looks for its queue,
// where nobody is.
func loads(t *testing.T, archive string) {
	t.Helper()
	dir := t.TempDir()
	unpack(t, archive, dir)
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "bootstrap")) //nolint:gosec // just built
	cmd.Env = []string{
		"LD_DEBUG=files", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:1", "AWS_ENDPOINT_URL=http://127.0.0.1:1",
		"AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=none", "AWS_SECRET_ACCESS_KEY=none", "AWS_MAX_ATTEMPTS=1",
		"ATELIER_DIR=" + t.TempDir(), "ATELIER_MODEL=" + filepath.Join(dir, "models", "atelier"),
	}
	b, err := cmd.CombinedOutput()
	out := string(b)
	if err == nil {
		t.Error("it ended well without a queue")
	}
	for _, library := range []string{"libonnxruntime.so.1", "libstdc++.so.6", "libgcc_s.so.1"} {
		if !strings.Contains(out, "calling init: "+filepath.Join(dir, "lib", library)) {
			t.Errorf("%s is not loaded from the archive", library)
		}
	}
	if !strings.Contains(out, "127.0.0.1:1") {
		t.Errorf("it did not get as far as its queue:\n%s", out[max(0, len(out)-2000):])
	}
}

func unpack(t *testing.T, archive, dir string) {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	for _, f := range z.File {
		in, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(in)
		path := filepath.Join(dir, filepath.FromSlash(f.Name)) //nolint:gosec // just built
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o750)
		}
		if err == nil {
			err = os.WriteFile(path, b, f.Mode())
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

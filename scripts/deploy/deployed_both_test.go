package deploy_test

import (
	"archive/zip"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// With instances and TensorFlow the payload is installed, and the key's hash is in the configured
// parameter. MiniStack starts no instances, and the archives have no engine.
func TestDeploymentWithInstances(t *testing.T) {
	t.Parallel()
	d := newDeployment(t)
	d.otherArchives("api-lambda.zip", "maintenance-lambda.zip")
	archive(t, filepath.Join(d.archives, "payload.zip"), "lib/engine.so", "models/atelier/model")
	archive(t, filepath.Join(d.archives, "worker-lambda-tensorflow.zip"), "bootstrap")
	archive(t, filepath.Join(d.archives, "atelier-ec2.tar.gz"), "bin/worker-daemon-tensorflow")

	d.upFirst("--mode", "both", "--engine", "tensorflow", "--set", "KeysParameter=/atelier/keys")
	for _, name := range []string{"lib/engine.so", "models/atelier/model"} {
		if b, err := os.ReadFile(filepath.Join(d.dir, filepath.FromSlash(name))); err != nil || string(b) != name {
			t.Errorf("%s: %q, %v", name, b, err)
		}
	}
	if r := d.Ask(http.MethodGet, "/v1/jobs", nil); r.StatusCode != http.StatusOK {
		t.Errorf("with the key: %s: %s", r.Status, r.Body)
	}
	out, _ := d.must("status")
	for _, want := range []string{"both, tensorflow", "ssm:/atelier/keys", "mapping Enabled", "0 of at most 2"} {
		if !strings.Contains(out, want) {
			t.Errorf("the status lacks %q", want)
		}
	}

	d.must("down", "--yes")
	d.upAgain("--mode", "ec2", "--engine", "tensorflow")
	if out, _ := d.must("status"); !strings.Contains(out, "ec2, tensorflow") || strings.Contains(out, "functions") {
		t.Error("the mode has changed")
	}
	if r := d.Ask(http.MethodGet, "/v1/jobs", nil); r.StatusCode != http.StatusOK {
		t.Errorf("with the key: %s: %s", r.Status, r.Body)
	}
	if _, _, err := d.command("atelier\n", "down", "--data", "--yes"); err != nil {
		t.Fatal(err)
	}
	if left := d.left(); len(left) > 0 {
		t.Errorf("got %q left, want nothing", left)
	}
}

// archive writes a zip of files whose contents are their names.
func archive(t *testing.T, path string, names ...string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z := zip.NewWriter(f)
	for _, name := range names {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate}
		header.SetMode(0o750)
		w, err := z.CreateHeader(header)
		if err == nil {
			_, err = w.Write([]byte(name))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
}

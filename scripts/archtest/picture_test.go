package archtest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPictureMatchesPackages: each package in README.md's picture exists, and the picture has every
// shipped program and every package that is the only one with a certain task.
func TestPictureMatchesPackages(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, picture, found := strings.Cut(string(readme), "```mermaid\n")
	if !found {
		t.Fatal("README.md has no picture")
	}
	picture, _, _ = strings.Cut(picture, "```")
	shown := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b(api|worker|model|pkg)/[a-z0-9/-]+`).FindAllString(picture, -1) {
		shown[name] = true
		if entries, err := os.ReadDir(filepath.Join("../..", filepath.FromSlash(name))); err != nil || len(entries) == 0 {
			t.Errorf("the picture has %s, which is not a folder of the project", name)
		}
	}
	var want []string
	for _, mains := range []string{"../../api/cmd", "../../worker/cmd"} {
		entries, err := os.ReadDir(mains)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			// worker-bootstrap only starts a worker.
			if e.IsDir() && e.Name() != "internal" && e.Name() != "worker-bootstrap" {
				want = append(want, strings.TrimPrefix(filepath.ToSlash(mains), "../../")+"/"+e.Name())
			}
		}
	}
	want = append(want, "pkg/store", "pkg/queue", "pkg/bucket", "pkg/datasync", "pkg/gallery", "pkg/sweeper", "model/tensorflow", "model/onnx")
	for _, name := range want {
		if !shown[name] {
			t.Errorf("the picture lacks %s", name)
		}
	}
}

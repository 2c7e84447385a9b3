package scripts_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/setuptest"
)

// The files to read ahead of an engine's library are measured by a program with that engine,
// because a program with the other engine does not load the library.
func TestSetupMeasuresWithEachEngine(t *testing.T) {
	setuptest.Require(t, "", "ATELIER_LIBTENSORFLOW", "ATELIER_ONNXRUNTIME")
	tensorflow, onnx := os.Getenv("ATELIER_LIBTENSORFLOW"), os.Getenv("ATELIER_ONNXRUNTIME")
	files, err := filepath.Glob("setup.d/*")
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"scripts/setup", "scripts/lib.sh", "scripts/baseline/requirements.txt"}
	for _, f := range files {
		names = append(names, filepath.Join("scripts", f))
	}
	tr := newTree(t, names...)
	program, err := exec.LookPath("go")
	if err != nil {
		t.Fatal(err)
	}
	runs := filepath.Join(tr.dir, "runs")
	tr.write("bin/go", "#!/bin/sh\ncase $* in *./scripts/readaheadlist*) echo \"$GOFLAGS $*\" >>'"+runs+"' ;; *) exec '"+program+"' \"$@\" ;; esac\n")
	tr.installed(filepath.Dir(tensorflow), filepath.Base(tensorflow), filepath.Base(onnx))

	if lines, status := tr.run(nil, "scripts/setup"); status != 0 {
		t.Fatalf("exit status %d:\n%s", status, strings.Join(lines, "\n"))
	}
	b, err := os.ReadFile(runs)
	if err != nil {
		t.Fatal(err)
	}
	measured := strings.Split(strings.TrimSpace(string(b)), "\n")
	if len(measured) != 2 {
		t.Fatalf("the measurements were\n%s", b)
	}
	for i, library := range []string{tensorflow, onnx} {
		flags, _, _ := strings.Cut(measured[i], " run ")
		if !strings.Contains(measured[i], filepath.Base(library)) || strings.Contains(flags, "onnx") != (library == onnx) || !strings.Contains(flags, "nodynamic") {
			t.Errorf("%s is measured by %s", library, measured[i])
		}
	}
}

// installed makes a cache with everything that is installed in another one, except the measurements
// of the libraries.
func (tr *tree) installed(from string, libraries ...string) {
	tr.Helper()
	link := func(from, to string, except ...string) {
		tr.Helper()
		entries, err := os.ReadDir(from)
		err = errors.Join(err, os.MkdirAll(to, 0o750))
		for _, e := range entries {
			if slices.Contains(except, e.Name()) {
				continue
			}
			err = errors.Join(err, os.Symlink(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())))
		}
		if err != nil {
			tr.Fatal(err)
		}
	}
	cache := filepath.Join(tr.dir, "cache")
	link(from, cache, libraries...)
	for _, l := range libraries {
		link(filepath.Join(from, l), filepath.Join(cache, l), "lib")
		link(filepath.Join(from, l, "lib"), filepath.Join(cache, l, "lib"), "read-ahead.json")
	}
}

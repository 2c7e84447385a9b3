// Package archtest tests the rules for imports between packages, so that the layers stay as
// described in DESIGN.md. It needs go and no C library.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/atelier-go/atelier"

// A goPackage is the output of go list for one package.
type goPackage struct {
	ImportPath string
	Name       string
	Standard   bool
	Imports    []string
	Deps       []string
}

func TestImports(t *testing.T) {
	for _, build := range []string{"default", "onnx"} {
		t.Run(build, func(t *testing.T) {
			packages := list(t, build)
			t.Run("no package breaks a rule", func(t *testing.T) { testRules(t, build, packages) })
			t.Run("rules name existing packages", func(t *testing.T) { testFolders(t, packages) })
			t.Run("codecs are sandboxed", func(t *testing.T) { testCodecs(t, packages) })
		})
	}
}

func testRules(t *testing.T, build string, packages map[string]goPackage) {
	for _, r := range rules {
		if r.build != "" && r.build != build {
			continue
		}
		for path, p := range packages {
			if r.of.has(path) && !r.not.has(path) && (!r.main || p.Name == "main") && (!r.library || p.Name != "main") {
				check(t, r, p, packages)
			}
		}
	}
}

func check(t *testing.T, r rule, p goPackage, all map[string]goPackage) {
	t.Helper()
	imports := p.Deps
	if r.direct {
		imports = p.Imports
	}
	for _, path := range imports {
		if r.denied.has(path) || r.allowed != nil && !r.allowed.has(path) && !fromGo(path, all) {
			t.Errorf("%s imports %s\n\tvia: %s\n\t%s", p.ImportPath, path, strings.Join(chain(p, path, all), " -> "), r.reason)
			return // the first one is enough, because it usually causes the others
		}
	}
}

// fromGo returns whether a path is in the standard library, including "C" and its vendored
// packages.
func fromGo(path string, all map[string]goPackage) bool {
	return path == "C" || all[path].Standard
}

// chain returns a shortest import path from a package to one that it links.
func chain(from goPackage, to string, all map[string]goPackage) []string {
	cameFrom := map[string]string{from.ImportPath: ""}
	for queue := []string{from.ImportPath}; len(queue) > 0; queue = queue[1:] {
		if queue[0] == to {
			var way []string
			for at := to; at != ""; at = cameFrom[at] {
				way = append([]string{at}, way...)
			}
			return way
		}
		for _, next := range all[queue[0]].Imports {
			if _, seen := cameFrom[next]; !seen {
				cameFrom[next] = queue[0]
				queue = append(queue, next)
			}
		}
	}
	return []string{from.ImportPath, "...", to}
}

// A mistyped path in a rule would disable it: each must be an existing folder.
func testFolders(t *testing.T, packages map[string]goPackage) {
	root := filepath.Join("..", "..")
	for _, folder := range []string{"api", "model", "model/onnx", "model/tensorflow", "pkg/bucket", "pkg/bucket/buckettest", "pkg/commandline", "pkg/datasync", "pkg/formats", "pkg/gallery", "pkg/imageio", "pkg/job", "pkg/queue", "pkg/queue/queuefake", "pkg/queue/queuetest", "pkg/store", "pkg/style", "pkg/wiring", "pkg/wiring/withbucket", "submitter", "submitter/batch", "submitter/client", "submitter/escape", "submitter/picture", "submitter/terminal", "worker"} {
		found, err := filepath.Glob(filepath.Join(root, folder, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		if len(found) == 0 {
			t.Logf("%s has no Go files, so its rules were not checked", folder)
			continue
		}
		if _, ok := packages[module+"/"+folder]; !ok {
			t.Errorf("go list does not find %s/%s, which the rules name", module, folder)
		}
	}
}

// Without nodynamic the codecs load a system's library through purego.
func testCodecs(t *testing.T, packages map[string]goPackage) {
	for path, p := range packages {
		if !strings.HasPrefix(path, "github.com/gen2brain/") {
			continue
		}
		for _, i := range p.Imports {
			if strings.Contains(i, "purego") {
				t.Errorf("%s imports %s: GOFLAGS lacks -tags=nodynamic", path, i)
			}
		}
	}
}

func TestRuleMatching(t *testing.T) {
	g := group{"a/b", "c/..."}
	for path, want := range map[string]bool{"a/b": true, "a/b/x": false, "c": true, "c/d/e": true, "cd": false, "": false} {
		if got := g.has(path); got != want {
			t.Errorf("has(%q): got %v, want %v", path, got, want)
		}
	}
}

// list returns every package of the module and the packages that they link, in a build without
// tests.
func list(t *testing.T, build string) map[string]goPackage {
	t.Helper()
	// GOFLAGS as set by scripts/env instead of -tags here, because the test also checks that it is
	// set.
	flags := os.Getenv("GOFLAGS")
	if build != "default" {
		flags = strings.Replace(flags, "-tags=", "-tags="+build+",", 1)
	}
	command := exec.Command("go", "list", "-deps", "-e",
		"-json=ImportPath,Name,Standard,Imports,Deps", "./...")
	command.Dir = filepath.Join("..", "..")
	command.Env = append(os.Environ(), "CGO_ENABLED=1", "GOFLAGS="+flags)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	packages := map[string]goPackage{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatalf("go list: %v", err)
		}
		packages[p.ImportPath] = p
	}
}

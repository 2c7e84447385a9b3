package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// A source is a Go file that is not a test.
type source struct {
	*ast.File
	name   string // relative to the checkout
	folder string // the import path of its package
}

func sources(t *testing.T) (all []source) {
	t.Helper()
	for _, name := range filesOf(t, ".go") {
		if strings.HasSuffix(name, "_test.go") || strings.Contains(name, "/testdata/") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join("../..", name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, source{file, name, module + "/" + path.Dir(name)})
	}
	if len(all) < 300 {
		t.Fatalf("%d files were found, want at least 300", len(all))
	}
	return all
}

func (s source) isMain() bool { return s.Name.Name == "main" }

// uses returns the names of an imported package that are used in a part of the file.
func (s source) uses(imported string, in ast.Node) (names []string) {
	for _, i := range s.Imports {
		if p, _ := strconv.Unquote(i.Path.Value); p != imported {
			continue
		}
		local := path.Base(imported)
		if i.Name != nil {
			local = i.Name.Name
		}
		ast.Inspect(in, func(n ast.Node) bool {
			if selector, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := selector.X.(*ast.Ident); ok && x.Name == local {
					names = append(names, selector.Sel.Name)
				}
			}
			return true
		})
	}
	return names
}

// TestOnlyMainsHaveFlags: no library has struct tags of kong, except for the groups of flags that mains share.
func TestOnlyMainsHaveFlags(t *testing.T) {
	for _, s := range sources(t) {
		if s.isMain() || s.folder == module+"/pkg/commandline" {
			continue
		}
		ast.Inspect(s.File, func(n ast.Node) bool {
			field, ok := n.(*ast.Field)
			if !ok || field.Tag == nil {
				return true
			}
			tag, err := strconv.Unquote(field.Tag.Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []string{"arg", "cmd", "embed", "env", "help", "kong", "placeholder"} {
				if _, found := reflect.StructTag(tag).Lookup(key); found {
					t.Errorf("%s has the tag %s: a flag belongs to a main or to pkg/commandline, which converts it to a plain configuration", s.name, tag)
					break
				}
			}
			return true
		})
	}
}

// Packages for tests read the environment of the tests.
var readEnvironment = in("api/browsertest", "model/modeltest", "pkg/decoder/decodertest", "pkg/lambdatest",
	"scripts/devstack/ministack/...", "scripts/nfstest", "scripts/setuptest")

// TestOnlyMainReadsTheEnvironment: only the function main reads environment variables, and passes os.Getenv on. The AWS
// SDK reads its own variables. kong would read others too, so it is used only through package commandline, and by the
// submitter, whose flags have no variables. Programs that start others may pass the whole environment on.
func TestOnlyMainReadsTheEnvironment(t *testing.T) {
	for _, s := range sources(t) {
		for _, d := range s.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && s.isMain() && f.Recv == nil && f.Name.Name == "main" || readEnvironment.has(s.folder) {
				continue
			}
			for _, name := range s.uses("os", d) {
				passesOn := strings.HasPrefix(s.name, "scripts/") || s.folder == module+"/worker/cmd/worker-bootstrap"
				if name == "Getenv" || name == "LookupEnv" || name == "ExpandEnv" || name == "Environ" && !passesOn {
					t.Errorf("%s uses os.%s: only the function main may, and passes it on as getenv", s.name, name)
				}
			}
			for _, name := range s.uses("github.com/alecthomas/kong", d) {
				if (name == "New" || name == "Must" || name == "Parse") && !in("pkg/commandline", "submitter").has(s.folder) {
					t.Errorf("%s uses kong.%s, which reads the environment: use commandline.Parse", s.name, name)
				}
			}
		}
	}
}

// TestOnlyMainsOpen: libraries are given open stores, queues and buckets; only mains and package wiring open them.
func TestOnlyMainsOpen(t *testing.T) {
	opened := map[string][]string{"pkg/store": {"Open"}, "pkg/queue": {"New", "Open"}, "pkg/bucket": {"New"}, "pkg/gallery": {"New"}, "pkg/sweeper": {"New"}}
	// Keys for the mains of the API may be in any bucket. Scripts work with directories of their own.
	others := in("pkg/wiring/...", "api/cmd/internal/keys", "scripts/...")
	for _, s := range sources(t) {
		if s.isMain() || others.has(s.folder) {
			continue
		}
		for imported, functions := range opened {
			for _, name := range s.uses(module+"/"+imported, s.File) {
				for _, function := range functions {
					if name == function {
						t.Errorf("%s uses %s.%s: only mains and pkg/wiring may", s.name, path.Base(imported), name)
					}
				}
			}
		}
	}
}

// Package setuptest checks for tests that scripts/setup has installed what they need, and builds the
// real programs for them.
package setuptest

import (
	"os"
	"os/exec"
	"sync"
	"testing"
)

// Require skips a test unless each of these variables of scripts/env is set; in CI it fails instead.
// option is that of scripts/setup which installs what the variables name, "" for none.
func Require(t testing.TB, option string, variables ...string) {
	t.Helper()
	for _, name := range variables {
		if os.Getenv(name) != "" {
			continue
		}
		setup := "scripts/setup"
		if option != "" {
			setup += " " + option
		}
		if os.Getenv("CI") != "" {
			t.Fatalf(`%s is not set: run %s, then eval "$(scripts/env)"`, name, setup)
		}
		t.Skipf(`%s is not set: run %s, then eval "$(scripts/env)"`, name, setup)
	}
}

// Programs are programs that are compiled once for all tests of a package. The zero value has none.
type Programs struct {
	once sync.Once
	dir  string
	err  error
}

// Dir returns the folder with the programs, after one go build with each list of arguments, in which
// DIR is replaced by the folder. It is safe for concurrent use.
func (p *Programs) Dir(t testing.TB, builds ...[]string) string {
	t.Helper()
	p.once.Do(func() {
		if p.dir, p.err = os.MkdirTemp("", "atelier-bin-"); p.err != nil {
			return
		}
		for _, arguments := range builds {
			build := exec.Command("go", "build")
			for _, a := range arguments {
				build.Args = append(build.Args, os.Expand(a, func(string) string { return p.dir }))
			}
			var out []byte
			if out, p.err = build.CombinedOutput(); p.err != nil {
				t.Fatalf("%s: %v\n%s", build, p.err, out)
			}
		}
	})
	if p.err != nil {
		t.Fatalf("the programs were not built: %v", p.err)
	}
	return p.dir
}

// Remove removes the programs after all tests.
func (p *Programs) Remove() {
	if p.dir != "" {
		_ = os.RemoveAll(p.dir) // a temporary folder
	}
}

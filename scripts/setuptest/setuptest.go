// Package setuptest checks for tests that scripts/setup has installed what they need, and builds the
// real programs for them.
package setuptest

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// Require skips a test unless each of these variables is set, which scripts/env sets after
// scripts/setup. In CI, the test fails instead. option is the option of scripts/setup that installs
// what the variables name; "" if none is needed.
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

// Programs are programs that are built once for all tests of a package. The zero value is ready for
// use.
type Programs struct {
	once sync.Once
	dir  string
	err  error
}

// Dir returns the folder with the programs. The first call builds them, with one go build for each
// list of arguments, in which $DIR stands for the folder. It is safe for concurrent use.
func (p *Programs) Dir(t testing.TB, builds ...[]string) string {
	t.Helper()
	p.once.Do(func() { p.err = p.build(builds) })
	if p.err != nil {
		t.Fatal(p.err)
	}
	return p.dir
}

func (p *Programs) build(builds [][]string) (err error) {
	if p.dir, err = os.MkdirTemp("", "atelier-bin-"); err != nil {
		return err
	}
	for _, arguments := range builds {
		cmd := exec.Command("go", "build")
		for _, a := range arguments {
			cmd.Args = append(cmd.Args, os.Expand(a, func(string) string { return p.dir }))
		}
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w\n%s", cmd, err, out)
		}
	}
	return nil
}

// Remove removes the programs after all tests.
func (p *Programs) Remove() {
	if p.dir != "" {
		_ = os.RemoveAll(p.dir) // a temporary folder
	}
}

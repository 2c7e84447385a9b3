// Package scripts_test tests the bash scripts, with stand-ins for the programs that they call.
package scripts_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A tree is a copy of the scripts, with nothing installed.
type tree struct {
	*testing.T
	dir string
}

// library is lib.sh and the files that it reads.
var library = []string{
	"scripts/lib.sh", "scripts/setup.d/ministack.txt", "scripts/setup.d/shellcheck.txt", "scripts/setup.d/wheels.txt", "scripts/setup.d/cfn-lint.txt",
	"scripts/setup.d/checkov.txt", "scripts/setup.d/libstdcxx.txt", "scripts/setup.d/awscli.txt", "scripts/setup.d/moto.txt", "scripts/baseline/requirements.txt",
}

func newTree(t *testing.T, files ...string) *tree {
	t.Helper()
	tr := &tree{t, t.TempDir()}
	for _, name := range files {
		b, err := os.ReadFile(filepath.Join("..", name))
		if err != nil {
			t.Fatal(err)
		}
		tr.write(name, string(b))
	}
	return tr
}

func (tr *tree) write(name, content string) {
	tr.Helper()
	path := filepath.Join(tr.dir, name)
	err := os.MkdirAll(filepath.Dir(path), 0o750)
	if err == nil {
		err = os.WriteFile(path, []byte(content), 0o700) //nolint:gosec // a program
	}
	if err != nil {
		tr.Fatal(err)
	}
}

// run returns the lines that a script has printed and its exit status.
func (tr *tree) run(env []string, script string, args ...string) (lines []string, status int) {
	tr.Helper()
	cmd := exec.CommandContext(tr.Context(), "bash", append([]string{filepath.Join(tr.dir, script)}, args...)...)
	cmd.Dir = tr.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(tr.dir, "bin")+":"+os.Getenv("PATH"), "ATELIER_CACHE="+filepath.Join(tr.dir, "cache"), "ATELIER_REQUIRE_VULNCHECK=")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		tr.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), cmd.ProcessState.ExitCode()
}

// The last line shows whether vulnerabilities were checked. With --strict-vulnerabilities it is a
// failure if they were not.
func TestCheckSaysWhetherVulnerabilitiesAreChecked(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	const (
		away  = "echo 'govulncheck: fetching vulnerabilities: dial tcp: no route to host'; exit 1"
		found = "printf 'Vulnerability #1: GO-2026-0001\\n  Module: example.org/m\\nVulnerability #2: GO-2026-0002\\n  Standard library\\n'; exit 3"
		oldGo = "printf 'Vulnerability #1: GO-2026-0001\\n  Standard library\\n    Fixed in: net/http@go1.26.10\\nVulnerability #2: GO-2026-0002\\n  Standard library\\n    Fixed in: os@go1.26.9\\n'; exit 3"
	)
	today, old := time.Now(), time.Now().AddDate(0, 0, -90)
	for name, tt := range map[string]struct {
		scanner, offline string    // shell commands of govulncheck, with its own and with another database
		module           time.Time // day of golang.org/x/vulndb; zero: no module
		args, env        []string
		status           int
		last             string
	}{
		"checked":                   {scanner: "exit 0", last: "check: passed: vulns"},
		"checked, strictly":         {scanner: "exit 0", args: []string{"--strict-vulnerabilities"}, last: "check: passed: vulns"},
		"found":                     {scanner: found, status: 1, last: "check: FAILED: vulns"},
		"broken":                    {scanner: "exit 2", status: 1, last: "check: FAILED: vulns"},
		"by the module":             {scanner: away, offline: "exit 0", module: today, last: "vulnerabilities: none known (by golang.org/x/vulndb of " + today.Format(time.DateOnly)},
		"by the module, strictly":   {scanner: away, offline: "exit 0", module: today, args: []string{"--strict-vulnerabilities"}, last: "vulnerabilities: none known (by "},
		"found by the module":       {scanner: away, offline: found, module: today, status: 1, last: "check: FAILED: vulns"},
		"an old module":             {scanner: away, offline: "exit 0", module: old, last: "vulnerabilities: NOT CHECKED: "},
		"not":                       {scanner: away, last: "vulnerabilities: NOT CHECKED: "},
		"not, strictly":             {scanner: away, args: []string{"--strict-vulnerabilities"}, status: 1, last: "vulnerabilities: NOT CHECKED: "},
		"not, strictly by variable": {scanner: away, env: []string{"ATELIER_REQUIRE_VULNCHECK=1"}, status: 1, last: "vulnerabilities: NOT CHECKED: "},
		"in Go alone":               {scanner: oldGo, last: "vulnerabilities: OLD GO: the standard library of go1 has 2; build releases with go1.26.10"},
		"in Go alone, by module":    {scanner: away, offline: oldGo, module: today, last: "vulnerabilities: OLD GO: the standard library of go1 has 2; build releases with go1.26.10 (by golang.org/x/vulndb of"},
		"in Go alone, strictly":     {scanner: oldGo, args: []string{"--strict-vulnerabilities"}, status: 1, last: "vulnerabilities: OLD GO: "},
		"another step":              {scanner: away, args: []string{"format"}, last: "check: passed: format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t, append([]string{"scripts/check"}, library...)...)
			tr.write("scripts/setup", "")
			tr.write("scripts/env", "")
			tr.write("bin/gofmt", "")
			download := "exit 1"
			if !tt.module.IsZero() {
				dir := filepath.Join(tr.dir, "vulndb")
				tr.write("vulndb/data/osv/GO-2026-0001.json", "{}")
				download = fmt.Sprintf(`printf '{\n\t"Version": "v0.0.0-%s000000-abcdefabcdef",\n\t"Dir": "%s",\n\t"Sum": "x"\n}\n'`, tt.module.Format("20060102"), dir)
			}
			tr.write("bin/go", "#!/bin/sh\ncase \"$1 $2\" in\n'env GOVERSION') echo go1 ;;\n'mod download') "+download+" ;;\nesac\n")
			tr.write("cache/govulncheck-v1.9.0-go1/govulncheck", "#!/bin/sh\ncase $1 in -db) "+tt.offline+" ;; esac\n"+tt.scanner+"\n")
			// The path where lib.sh expects MiniStack's Python.
			for _, env := range venvs(tr) {
				tr.write(env, "#!/bin/sh\nexec "+python+" \"$@\"\n")
			}
			args := tt.args
			if len(args) == 0 || args[0] != "format" {
				args = append(args, "vulns")
			}
			lines, status := tr.run(tt.env, "scripts/check", args...)
			if last := lines[len(lines)-1]; status != tt.status || !strings.HasPrefix(last, tt.last) {
				t.Errorf("got %d, want %d; the last line must begin with %q:\n%s", status, tt.status, tt.last, strings.Join(lines, "\n"))
			}
			if tt.status != 0 && !strings.Contains(strings.Join(lines, "\n"), "check: FAILED: vulns") {
				t.Errorf("the output does not show what failed:\n%s", strings.Join(lines, "\n"))
			}
		})
	}
}

// venvs returns the name of the folder for MiniStack's Python in the tree's cache.
func venvs(tr *tree) []string {
	tr.Helper()
	out, err := exec.CommandContext(tr.Context(), "bash", "-c", ". "+filepath.Join(tr.dir, "scripts", "lib.sh")+"; echo ${MINISTACK_VENV##*/}").Output()
	if err != nil {
		tr.Fatal(err)
	}
	return []string{filepath.Join("cache", strings.TrimSpace(string(out)), "bin", "python")}
}

// CI's log ends with the last lines of the tests, followed by the result for vulnerabilities, which
// is easily overlooked.
func TestCISaysWhetherVulnerabilitiesAreChecked(t *testing.T) {
	t.Parallel()
	const not = "vulnerabilities: NOT CHECKED: why"
	for name, tt := range map[string]struct {
		check, test string
		status      int
		last        []string
	}{
		"good":         {"echo check: passed", "echo ok", 0, []string{"check: passed", "ok"}},
		"not checked":  {"echo check: passed; echo " + not, "echo ok", 0, []string{"ok", not}},
		"check failed": {"echo " + not + "; exit 1", "echo ok", 1, []string{"ok", not, "ci: FAILED"}},
		"tests failed": {"echo " + not, "echo FAIL; exit 1", 1, []string{"FAIL", not, "ci: FAILED"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr := newTree(t, ".ci/run")
			tr.write("scripts/nfs", "")
			tr.write("scripts/check", "#!/bin/sh\n"+tt.check+"\n")
			tr.write("scripts/test", "#!/bin/sh\n"+tt.test+"\n")
			for _, name := range []string{"gcc", "python3", "chromium", "systemd-analyze", "node"} {
				tr.write("bin/"+name, "#!/bin/sh\n")
			}
			lines, status := tr.run(nil, ".ci/run")
			if got := strings.Join(lines, "\n"); status != tt.status || !strings.HasSuffix(got, strings.Join(tt.last, "\n")) {
				t.Errorf("got %d:\n%s", status, got)
			}
		})
	}
}

package main_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/apitest"
	"github.com/atelier-go/atelier/scripts/setuptest"
)

// built has the real programs, unless a test that runs this test binary elsewhere has built them.
var built setuptest.Programs

// bin is the folder of the programs, empty before [programs].
var bin = os.Getenv(binVariable)

// binVariable names a folder with programs that are already built.
const binVariable = "ATELIER_TEST_BIN"

func TestMain(m *testing.M) {
	code := m.Run()
	built.Remove()
	os.Exit(code)
}

// programs returns the folder of the programs, and skips the test if the stack's dependencies are
// not installed.
func programs(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs TensorFlow and MiniStack: left out with -short")
	}
	setuptest.Require(t, "", "ATELIER_MINISTACK", "ATELIER_SAMPLES", "ATELIER_LIBTENSORFLOW", "ATELIER_ROOT")
	if os.Getenv(binVariable) == "" {
		bin = built.Dir(t, []string{"-o", "$DIR/", ".", "../../api/cmd/...", "../../worker/cmd/...", "../../submitter"})
	}
	return bin
}

// A demo is a running scripts/demo, used by tests like by a user.
type demo struct {
	apitest.Client
	cmd    *exec.Cmd
	output *outputLog
	dir    string // --dir
	ended  bool
}

// start runs the stack without its photographs until the test ends.
func start(t *testing.T, mode string, env ...string) *demo {
	t.Helper()
	d := &demo{Client: apitest.Client{T: t}, dir: t.TempDir()}
	d.cmd = exec.Command(filepath.Join(programs(t), "devstack"), "--dir", d.dir, "--mode", mode, "--no-samples")
	// The settings of a user's shell for other programs must not affect the stack.
	d.cmd.Env = append(os.Environ(), "ATELIER_KEYS=/nowhere", "ATELIER_LISTEN=nowhere", "ATELIER_WATCHDOG=never")
	d.cmd.Env = append(d.cmd.Env, env...)
	pipe, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.output = collect(pipe)
	t.Cleanup(d.cleanUp)
	d.Base = d.output.waitFor(t, regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/ is the page`))[1]
	return d
}

// on runs a part of a test on the same stack.
func (d *demo) on(name string, f func(d *demo)) {
	d.Helper()
	d.Run(name, func(t *testing.T) { part := *d; part.T = t; f(&part) })
}

// cleanUp ends the stack if the test has not, and logs its output after a failure.
func (d *demo) cleanUp() {
	if !d.ended {
		_ = d.cmd.Process.Kill() // the test has failed
		_ = d.cmd.Wait()
	}
	if d.Failed() {
		d.Logf("output:\n%s", d.output.all())
		logs, _ := filepath.Glob(filepath.Join(d.dir, "logs", "*"))
		for _, path := range logs {
			b, _ := os.ReadFile(path)
			d.Logf("%s:\n%s", path, b[max(0, len(b)-3000):])
		}
	}
}

// end stops the stack with a signal, such as a user's or SIGKILL, and checks that no process of it
// is left.
func (d *demo) end(s os.Signal) {
	d.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.Fatal(err)
	}
	d.ended = true
	if err := d.cmd.Wait(); err != nil && s != os.Kill {
		d.Errorf("after %s: %v", s, err)
	}
	if s != os.Kill && len(d.processes()) > 0 {
		d.Errorf("processes left after its end: %v", d.processes())
	}
	waitFor(d.T, func() bool { return len(d.processes()) == 0 })
}

// waitFor waits until a condition is true.
func waitFor(t *testing.T, ok func() bool) {
	t.Helper()
	waitUntil(t, ok, func() string { return "" })
}

// waitUntil is like waitFor, with the reason in its error.
func waitUntil(t *testing.T, ok func() bool, why func() string) {
	t.Helper()
	apitest.Wait(t, 20*time.Millisecond, 2*time.Minute, ok, why)
}

// An outputLog collects the lines that a program prints.
type outputLog struct {
	mu    sync.Mutex
	lines []string
}

func collect(r io.Reader) *outputLog {
	e := &outputLog{}
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			e.mu.Lock()
			e.lines = append(e.lines, s.Text())
			e.mu.Unlock()
		}
	}()
	return e
}

func (e *outputLog) all() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return strings.Join(e.lines, "\n")
}

func (e *outputLog) waitFor(t *testing.T, re *regexp.Regexp) (match []string) {
	t.Helper()
	waitFor(t, func() bool { match = re.FindStringSubmatch(e.all()); return match != nil })
	return match
}

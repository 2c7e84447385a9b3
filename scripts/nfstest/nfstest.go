// Package nfstest runs tests on a real NFS file system with two clients, which
// scripts/nfs provides.
package nfstest

import (
	"crypto/rand"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"
)

// LatencyVariable names the environment variable with the milliseconds that are added to each call
// to the file server.
const LatencyVariable = "ATELIER_NFS_LATENCY"

// A Lab is the file system as seen by a program in scripts/nfs: three paths of one directory.
type Lab struct {
	A, B   string // the directory through two clients, which share no cache
	Disk   string // the directory on the file server itself, without NFS: reading it changes no cache
	server string
}

// Inside returns the file system of the scripts/nfs in which this process runs; false if it does
// not.
func Inside() (Lab, bool) {
	l := Lab{os.Getenv("NFS_A"), os.Getenv("NFS_B"), os.Getenv("NFS_DISK"), os.Getenv("NFS_SERVER")}
	return l, l.A != "" && l.B != "" && l.Disk != "" && l.server != ""
}

// Enter returns the file system if the test runs in scripts/nfs. Otherwise it runs the same test
// there with [Run], and returns false when it has passed; the caller must then return.
func Enter(t *testing.T, timeout time.Duration, options ...string) (Lab, bool) {
	t.Helper()
	if lab, ok := Inside(); ok {
		return lab, true
	}
	out := Run(t, timeout, options, "-test.run=^"+t.Name()+"$")
	if testing.Verbose() {
		t.Logf("in scripts/nfs:\n%s", out)
	}
	return Lab{}, false
}

// Run runs the package's tests in scripts/nfs with options, and returns their output. args are
// arguments of the tests, which run with temporary files on the first client, in a program built
// without the race detector. The environment is passed on. timeout is the limit without latency,
// and is increased with it. The test is skipped as by [Command].
func Run(t *testing.T, timeout time.Duration, options []string, args ...string) string {
	t.Helper()
	if latency := os.Getenv(LatencyVariable); latency != "" {
		options = append(options, "--latency", latency)
		ms, err := strconv.ParseFloat(latency, 64)
		if err != nil || ms < 0 {
			t.Fatalf("%s=%s: want milliseconds", LatencyVariable, latency)
		}
		timeout += time.Duration(2 * ms * float64(timeout)) // three times as long at 1 ms
	}
	options = append([]string{"--timeout", seconds(timeout)}, options...)
	dir := t.TempDir()
	program := filepath.Join(dir, "nfs.test")
	options = append(options, "--folder", dir)
	command := append(options, "--", "bash", "-c", `mkdir "$NFS_A/tmp" && TMPDIR=$NFS_A/tmp exec "$@"`, "bash", program,
		"-test.v="+strconv.FormatBool(testing.Verbose()), "-test.timeout="+(timeout-10*time.Second).String())
	cmd := Command(t, append(command, args...)...)
	if out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the tests: %v\n%s", err, out)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

// Command returns the command scripts/nfs with arguments. The test is skipped with -short and if
// scripts/nfs can't run, which in CI is a failure.
func Command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a real NFS: left out with -short")
	}
	script, err := script()
	if err != nil {
		t.Fatal(err)
	}
	check := []string{"--check"}
	if slices.Contains(args, "--systemd") { // which has more requirements
		check = append(check, "--systemd")
	}
	if out, err := exec.Command(script, check...).CombinedOutput(); err != nil { //nolint:gosec // the project's own
		if os.Getenv("CI") != "" {
			t.Fatalf("%s", out)
		}
		t.Skipf("%s", out)
	}
	return exec.CommandContext(t.Context(), script, args...)
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d.Seconds())) }

// Folder makes an empty folder and returns its name, which is the same in A, B and Disk.
func (l Lab) Folder(t *testing.T) (name string) {
	t.Helper()
	name = rand.Text()
	if err := os.Mkdir(filepath.Join(l.Disk, name), 0o750); err != nil {
		t.Fatal(err)
	}
	return name
}

// Stop stops the file server; calls wait from then on.
func (l Lab) Stop(t *testing.T) { t.Helper(); l.control(t, "stop") }

// Start starts the file server again. The clients take some seconds to recover, during which calls
// still wait.
func (l Lab) Start(t *testing.T) { t.Helper(); l.control(t, "start") }

func (l Lab) control(t *testing.T, what string) {
	t.Helper()
	if out, err := exec.Command(l.server, what).CombinedOutput(); err != nil {
		t.Fatalf("%s the file server: %v\n%s", what, err, out)
	}
}

// script returns the path of scripts/nfs, above the package whose tests run.
func script() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		path := filepath.Join(dir, "scripts", "nfs")
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	return "", errors.New("there is no scripts/nfs above the working directory")
}

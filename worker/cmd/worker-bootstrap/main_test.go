package main_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bootstrap builds the program as it is shipped, in a folder of its own.
func bootstrap(t *testing.T) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("reading ahead needs Linux")
	}
	program := filepath.Join(t.TempDir(), "bootstrap")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return program
}

// script writes a program that stands in for a worker.
func script(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
}

// TestBecomesTheWorker checks that without arguments, as Lambda starts it, the process becomes the
// worker in the same folder, which receives signals.
func TestBecomesTheWorker(t *testing.T) {
	program := bootstrap(t)
	script(t, filepath.Join(filepath.Dir(program), "worker-lambda"), `
trap 'echo stopped; exit 7' TERM
echo "$$ $# $SETTING"
while :; do read -r _ || sleep 0.01; done`)
	cmd := exec.CommandContext(t.Context(), program)
	cmd.Env = append(os.Environ(), "SETTING=as set")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 200)
	n, err := out.Read(line)
	if want := fmt.Sprintf("%d 0 as set\n", cmd.Process.Pid); string(line[:n]) != want {
		t.Errorf("got %q, %v, want %q", line[:n], err, want)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	n, _ = out.Read(line)
	var ended *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != 7 || string(line[:n]) != "stopped\n" {
		t.Errorf("got %q, %v after SIGTERM, want the worker's own exit", line[:n], err)
	}
}

// TestBecomesAnyProgram starts a program by name and by path, with arguments.
func TestBecomesAnyProgram(t *testing.T) {
	program := bootstrap(t)
	beside := filepath.Join(filepath.Dir(program), "worker-daemon")
	script(t, beside, `printf '<%s>' "$0" "$@"`)
	for _, name := range []string{"worker-daemon", beside} {
		out, err := exec.CommandContext(t.Context(), program, name, "--dir", "a b", "", "-h").CombinedOutput()
		if want := "<" + beside + "><--dir><a b><><-h>"; err != nil || string(out) != want {
			t.Errorf("got %s, %v, want %s", out, err, want)
		}
	}
	for _, missing := range []string{"worker-missing", "/missing/worker"} {
		out, err := exec.CommandContext(t.Context(), program, missing).CombinedOutput()
		if err == nil || !strings.HasPrefix(string(out), "worker-bootstrap: ") || !strings.Contains(string(out), missing) {
			t.Errorf("%s: got %s, %v", missing, out, err)
		}
	}
}

// TestStartsInAnyCase checks that what can't be read ahead is logged, and neither prevents the start
// nor takes much time or memory.
func TestStartsInAnyCase(t *testing.T) {
	program := bootstrap(t)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	library := write("library.so", strings.Repeat("x", 1<<20))
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	huge := write("huge", `{"files":[`)
	sparse := write("sparse", "")
	for path, size := range map[string]int64{huge: 1 << 40, sparse: 1 << 40} {
		if err := os.Truncate(path, size); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	list := func(name, file string, size int64, ranges string) string {
		return write(name, fmt.Sprintf(`{"files":[{"name":%q,"size":%d,"ranges":[%s]}]}`, file, size, ranges))
	}
	good := list("good", "library.so", 1<<20, "[0,1048576]")
	for name, c := range map[string]struct{ paths, want string }{
		"not set":           {"", ""},
		"a good list":       {good, `level=INFO msg="requested files to be read ahead" bytes=1048576`},
		"a missing list":    {filepath.Join(dir, "missing"), "no such file"},
		"garbage":           {library, "is not a list"},
		"a huge list":       {huge, "is not a list"},
		"a pipe":            {pipe, "neither a list nor a folder"},
		"a device":          {"/dev/zero", "neither a list nor a folder"},
		"a list of a pipe":  {list("of-pipe", "pipe", 0, "[0,1]"), "not the file"},
		"a list of a link":  {list("of-link", "link", 1000, "[0,1000]"), "escapes"},
		"a list of outside": {list("of-outside", "../../../../etc/passwd", 1000, "[0,1000]"), "escapes"},
		"a stale list":      {list("stale", "library.so", 1<<20+1, "[0,1048577]"), "make the list again"},
		"too much":          {list("of-sparse", "sparse", 1<<40, "[1048576,1000000000000]"), "too much memory"},
		"many ranges":       {list("many", "library.so", 1<<20, strings.Repeat("[7,1],", 150000)+"[0,1]"), `level=INFO msg="requested files to be read ahead" bytes=150001`},
		"missing and good":  {"::/missing:" + good, `level=INFO msg="requested files to be read ahead" bytes=1048576`},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			defer cancel()
			cmd := exec.CommandContext(ctx, program, "/bin/sh", "-c", "echo started")
			cmd.Env = append(os.Environ(), "ATELIER_READ_AHEAD="+c.paths)
			var stderr, stdout bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil || stdout.String() != "started\n" {
				t.Errorf("got %q, %v", stdout.String(), err)
			}
			if !strings.Contains(stderr.String(), c.want) || c.want == "" && stderr.Len() > 0 {
				t.Errorf("got %q, want %q", stderr.String(), c.want)
			}
			if used, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); !ok || used.Maxrss > 64<<10 {
				t.Errorf("got %d KiB of memory", used.Maxrss)
			}
		})
	}
}

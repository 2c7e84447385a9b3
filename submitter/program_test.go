package main

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"
)

// A ranProgram is the outcome of a run of the program.
type ranProgram struct {
	dir            string
	stdout, stderr string
	code           int
	err            error // it could not be run, or did not end
}

// runProgram runs the real program in a new folder, and checks its output as check does.
func runProgram(t *testing.T, api, stdin string, env []string, args ...string) *ranProgram {
	t.Helper()
	r := execute(t.Context(), t.TempDir(), api, stdin, env, args...)
	r.check(t)
	return r
}

// execute runs the real program in a folder.
func execute(ctx context.Context, dir, api, stdin string, env []string, args ...string) *ranProgram {
	r := &ranProgram{dir: dir}
	if r.err = writePicture(filepath.Join(r.dir, "photo.jpg"), 16); r.err != nil {
		return r
	}
	ctx, cancel := context.WithTimeout(ctx, scriptTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "submitter", args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "HOME="+filepath.Join(r.dir, ".home"), "XDG_STATE_HOME=", "ATELIER_API_KEY=", "ATELIER_API="+api, "GORACE=atexit_sleep_ms=10")
	cmd.Env = append(cmd.Env, env...)
	cmd.Stdin = strings.NewReader(stdin)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.err = err
		return r
	}
	if ctx.Err() != nil {
		r.err = errors.New("it did not end")
	}
	r.stdout, r.stderr, r.code = stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
	return r
}

// check fails if the output has control characters or forged lines, or if the program crashed or
// did not end.
func (r *ranProgram) check(t *testing.T) {
	t.Helper()
	if r.err != nil {
		t.Fatal(r.err)
	}
	for name, text := range map[string]string{"output": r.stdout, "errors": r.stderr} {
		if strings.Contains(text, "goroutine ") {
			t.Errorf("it crashed: %.2000s", text)
		}
		if len(text) > 1<<20 {
			t.Errorf("%d bytes of %s", len(text), name)
		}
		if !utf8.ValidString(text) {
			t.Errorf("the %s are no UTF-8: %.500q", name, text)
		}
		if i := strings.IndexFunc(text, func(c rune) bool { return c != '\n' && !unicode.IsGraphic(c) }); i >= 0 {
			t.Errorf("a control character at %d of the %s: %.500q", i, name, text)
		}
		for line := range strings.Lines(text) {
			if strings.HasPrefix(line, otherID) {
				t.Errorf("a forged line in the %s: %q", name, line)
			}
		}
	}
}

// files returns the files that the program left in the folder.
func (r *ranProgram) files(t *testing.T) (names []string) {
	t.Helper()
	err := filepath.WalkDir(r.dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && d.Name() != "photo.jpg" && !strings.HasSuffix(name, ".batch") {
			names = append(names, strings.TrimPrefix(name, r.dir+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// everyCommand has each command, with arguments with which it sends requests.
var everyCommand = [][]string{
	{"styles"},
	{"list"},
	{"list", "--ids"},
	{"status", oneID},
	{"status", oneID, "--wait"},
	{"watch"},
	{"watch", oneID},
	{"fetch", oneID},
	{"fetch", oneID, "--wait", "-o", "out.jpg"},
	{"cancel", oneID},
	{"retry", oneID},
	{"delete", oneID, "--yes"},
	{"redrive", "--all"},
	{"submit", "photo.jpg", "-s", "mosaic"},
	{"submit", "photo.jpg", "-s", "mosaic", "-o", "out.jpg"},
	{"submit", "photo.jpg", "-s", "mosaic", "-o", "out/"},
}

// oneOfEach returns one entry of everyCommand for each of the named commands, or for all.
func oneOfEach(names ...string) (commands [][]string) {
	seen := map[string]bool{}
	for _, args := range everyCommand {
		if !seen[args[0]] && (names == nil || slices.Contains(names, args[0])) {
			commands = append(commands, args)
		}
		seen[args[0]] = true
	}
	return commands
}

// tryCommands runs commands concurrently, since most wait before they try again.
func tryCommands(t *testing.T, commands [][]string, answers map[string]http.HandlerFunc, check func(*testing.T, []string, *ranProgram), flags ...string) {
	t.Helper()
	var runs sync.WaitGroup
	ran := make([]*ranProgram, len(commands))
	for i, args := range commands {
		server, dir := newHostileServer(t, answers), t.TempDir()
		runs.Go(func() {
			ran[i] = execute(t.Context(), dir, server.URL, "", nil, slices.Concat(args, flags)...)
		})
	}
	runs.Wait()
	for i, args := range commands {
		t.Run(strings.ReplaceAll(strings.Join(args, " "), oneID, "ID"), func(t *testing.T) {
			ran[i].check(t)
			check(t, args, ran[i])
		})
	}
}

// runProgramRaw is runProgram for output that is a picture.
func runProgramRaw(t *testing.T, api string, args ...string) *ranProgram {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "submitter", args...)
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(), "HOME="+cmd.Dir, "ATELIER_API_KEY=", "ATELIER_API="+api, "GORACE=atexit_sleep_ms=10")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return &ranProgram{stdout: string(out), code: cmd.ProcessState.ExitCode()}
}

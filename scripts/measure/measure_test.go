package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/measure/magenta/magentatest"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
	"github.com/atelier-go/atelier/scripts/setuptest"
)

// The benchmarks start their own program again, which here is the test binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childArg {
		main()
		return
	}
	code := m.Run()
	built.Remove()
	os.Exit(code)
}

// built has the real programs.
var built setuptest.Programs

// programs returns the folder of the programs that benchmarks start.
func programs(t *testing.T) string {
	t.Helper()
	return built.Dir(t,
		[]string{"-o", "$DIR/", "../../worker/cmd/picture-decoder", "../../worker/cmd/worker-bootstrap"},
		[]string{"-tags=nodynamic,onnx", "-o", "$DIR/measure-onnx", "."})
}

// quick returns the arguments of a run that takes seconds.
func quick(t *testing.T, what ...string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs TensorFlow and ONNX Runtime: left out with -short")
	}
	setuptest.Require(t, "", "ATELIER_SAMPLES", "ATELIER_LIBTENSORFLOW", "ATELIER_ONNXRUNTIME", "ATELIER_ROOT")
	bin := programs(t)
	return append(what, "--quick", "--bin", bin, "--onnx", filepath.Join(bin, "measure-onnx"), "--dir", t.TempDir())
}

// Every benchmark runs to its end and writes its section. The measured figures are meaningless
// here.
func TestBenchmarks(t *testing.T) {
	for _, b := range benchmarks {
		t.Run(b.name, func(t *testing.T) {
			out := filepath.Join(t.TempDir(), "results.md")
			var stdout, stderr bytes.Buffer
			args := append(quick(t, b.name), "--out", out)
			if b.name == "model" {
				args = append(args, "--teacher", magentatest.Teacher(t, "../../model/atelier"), "--training", t.TempDir(), "--python", fakePython(t))
			}
			err := run(t.Context(), args, os.Getenv, &stdout, &stderr)
			if lack := new(unavailable); errors.As(err, &lack) && os.Getenv("CI") == "" {
				t.Skip(lack)
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, stderr.String())
			}
			written, err := os.ReadFile(out)
			if err != nil {
				t.Fatal(err)
			}
			tables := strings.Count(stdout.String(), "|\n|-")
			if !strings.HasSuffix(string(written), strings.TrimSuffix(stdout.String(), "\n")) || !strings.Contains(stdout.String(), "## "+b.name+": ") || tables < 2 {
				t.Errorf("printed\n%s\nand wrote\n%s", stdout.String(), written)
			}
			if steps := strings.Count(stderr.String(), "bench: "+b.name+": "); steps < 1 {
				t.Errorf("its progress was\n%s", stderr.String())
			}
		})
	}
}

// interrupt sends Ctrl-C when a word is printed.
type interrupt struct {
	bytes.Buffer
	word string
	stop context.CancelFunc
}

func (i *interrupt) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte(i.word)) {
		i.stop()
	}
	return i.Buffer.Write(b)
}

func TestInterrupted(t *testing.T) {
	for name, word := range map[string]string{"decoder": "separate", "submissions": "API", "lambda": "the largest picture"} {
		t.Run(name, func(t *testing.T) {
			args, out := quick(t, name), filepath.Join(t.TempDir(), "results.md")
			if err := os.WriteFile(out, []byte("as before"), 0o600); err != nil {
				t.Fatal(err)
			}
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			err := run(ctx, append(args, "--out", out), os.Getenv, &bytes.Buffer{}, &interrupt{word: word, stop: stop})
			if err == nil || !strings.Contains(err.Error(), "interrupted; nothing was written") {
				t.Errorf("got %v", err)
			}
			if got, _ := os.ReadFile(out); string(got) != "as before" {
				t.Errorf("the results are now\n%s", got)
			}
			if left := groups(t); len(left) > 0 {
				t.Errorf("control groups are left: %q", left)
			}
			if left := mentioning(args[len(args)-1]); len(left) > 0 {
				t.Errorf("still running: %q", left)
			}
		})
	}
}

// mentioning returns the command lines of processes that contain a path.
func mentioning(path string) (lines []string) {
	all, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, name := range all {
		if b, err := os.ReadFile(name); err == nil && bytes.Contains(b, []byte(path)) {
			lines = append(lines, string(bytes.ReplaceAll(b, []byte{0}, []byte{' '})))
		}
	}
	return lines
}

// A failed benchmark does not prevent the others from being written.
func TestFailedBenchmarkKeepsOthers(t *testing.T) {
	out := filepath.Join(t.TempDir(), "results.md")
	var stderr bytes.Buffer
	err := run(t.Context(), append(quick(t, "decoder", "start"), "--tensorflow", "", "--out", out), os.Getenv, &bytes.Buffer{}, &stderr)
	if err == nil || !strings.HasPrefix(err.Error(), "start: ") {
		t.Errorf("got %v, want the reason of start", err)
	}
	if written, _ := os.ReadFile(out); !bytes.Contains(written, []byte("## decoder: ")) {
		t.Errorf("got\n%s\nwant the section of decoder", written)
	}
}

func TestBadArguments(t *testing.T) {
	for args, want := range map[string]string{
		"demon":              `there is no benchmark "demon"`,
		"memory demon":       `there is no benchmark "demon"`,
		"memory --rounds=-1": "--rounds -1: use 1 or more",
		"memory":             "there is no working folder",
	} {
		err := run(t.Context(), strings.Fields(args), os.Getenv, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", args, err, want)
		}
	}
}

func TestPhotographs(t *testing.T) {
	if _, err := photograph.All("", 400, 300); err == nil || !strings.Contains(err.Error(), "scripts/setup") {
		t.Errorf("without a folder: %v", err)
	}
	if _, err := photograph.All(t.TempDir(), 400, 300); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in an empty folder: %v", err)
	}
}

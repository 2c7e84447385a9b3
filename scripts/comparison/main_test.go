package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/measure/magenta/magentatest"
	"github.com/atelier-go/atelier/scripts/setuptest"
)

// The test binary is also the command, so that tests can kill it.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_COMMAND") != "" || len(os.Args) > 1 && (os.Args[1] == measurement.OnNFSArg || os.Args[1] == measurement.FrontArg) {
		main()
		return
	}
	code := m.Run()
	if bin != "" {
		_ = os.RemoveAll(bin) // a temporary folder
	}
	commands.Remove()
	os.Exit(code)
}

// build compiles the real programs once for all tests.
var build = sync.OnceValue(func() (err error) {
	if bin, err = os.MkdirTemp("", "atelier-bin-"); err != nil {
		return err
	}
	builds := [][]string{{"-o", bin + "/", ".", "../devstack", "../../api/cmd/...", "../../worker/cmd/..."}}
	for _, worker := range []string{"worker-daemon", "worker-lambda"} {
		builds = append(builds, []string{"-tags=nodynamic,onnx", "-o", filepath.Join(bin, worker+"-onnx"), "../../worker/cmd/" + worker})
	}
	for _, args := range builds {
		if out, err := exec.Command("go", append([]string{"build"}, args...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	return nil
})

// bin is the folder that build fills; empty before.
var bin string

var commands setuptest.Programs

// program returns the path of this program, built without the race detector, under which the
// simulations of a report take several times as long. A report is made in one goroutine.
func program(t *testing.T) string {
	t.Helper()
	return filepath.Join(commands.Dir(t, []string{"-o", "$DIR/", "."}), "comparison")
}

// quick returns the arguments of a quick measurement with the real programs.
func quick(t *testing.T, out string, more ...string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs TensorFlow and MiniStack: left out with -short")
	}
	for _, name := range []string{"ATELIER_MINISTACK", "ATELIER_SAMPLES", "ATELIER_LIBTENSORFLOW", "ATELIER_ONNXRUNTIME", "ATELIER_ROOT"} {
		if os.Getenv(name) == "" {
			const missing = `not set up: run scripts/setup, then eval "$(scripts/env)"`
			if os.Getenv("CI") != "" {
				t.Fatal(missing)
			}
			t.Skip(missing)
		}
	}
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return append([]string{"--quick", "--out", out, "--bin", bin, "--scratch", t.TempDir()}, more...)
}

// TestQuick measures everything with the real programs. On a busy machine runs may be void, but
// they have all of their jobs.
func TestQuick(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	trace := filepath.Join(t.TempDir(), "trace.csv")
	if err := os.WriteFile(trace, []byte("arrival_s\n0\n0.5\n3\n3\n4\n7\n7\n9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	args := quick(t, out, "--trace", trace, "--teacher", magentatest.Teacher(t, "../../model/atelier"))
	if err := run(t.Context(), args, os.Getenv, &stdout, &stderr); err != nil {
		t.Fatalf("%v\n%s", err, &stderr)
	}
	if !strings.HasPrefix(stdout.String(), "Not for decisions") || !strings.Contains(stderr.String(), "compare: run 2 of ") || !strings.Contains(stderr.String(), " left\n") {
		t.Errorf("printed %s and\n%s", &stdout, &stderr)
	}
	runs, err := measurement.Load(out)
	if err != nil {
		t.Fatal(err)
	}
	measured := map[string]*measurement.Run{}
	for _, r := range runs {
		v := r.Header.Variant
		measured[v.System+" "+v.Engine], measured[v.Pattern], measured[v.Network] = r, r, r
		check(t, r)
	}
	wanted := []string{"service tensorflow", "service onnx", "daemon onnx", "ministack onnx", "synchronous onnx", "concurrent onnx",
		measurement.Steady, measurement.Poisson, measurement.Bursts, measurement.Recorded, measurement.Magenta}
	if os.Getenv("ATELIER_BASELINE") != "" {
		wanted = append(wanted, "flask tensorflow")
	} else if !strings.Contains(stderr.String(), "left out: the Python server is not installed") {
		t.Error("the missing Python server is not reported")
	}
	for _, name := range wanted {
		if measured[name] == nil {
			t.Errorf("there is no run of %s:\n%s", name, &stderr)
		}
	}
}

// check checks what must hold for the figures of any run.
func check(t *testing.T, r *measurement.Run) {
	t.Helper()
	h := r.Header
	name := h.Variant.Name()
	if h.Machine.Processor == "" || h.Machine.Commit == "" || h.Seed != 20 || h.Repetition != 1 || h.Position < 1 || !strings.HasPrefix(h.Command, "scripts/compare --quick") {
		t.Errorf("%s: the circumstances are %+v", name, h)
	}
	if h.Hypothetical != (h.Variant.System == measurement.Concurrent) {
		t.Errorf("%s: hypothetical is %v", name, h.Hypothetical)
	}
	if f := r.Footer; f.Seconds <= 0 || f.Share <= 0 || f.Used["sender"] <= 0 || f.LoadBefore == "" {
		t.Errorf("%s: the footer is %+v", name, f)
	}
	if b := r.Busy(); b.System <= 0 || h.Variant.System == measurement.MiniStack && b.StandIns <= 0 {
		t.Errorf("%s: the processor time is %+v of %v", name, b, r.Footer.Used)
	}
	if h.Variant.System == measurement.Synchronous && (r.Footer.Used["front"] <= 0 || r.Footer.Used["picture-decoder"] <= 0) {
		t.Errorf("%s: the function's front or its decoder is not counted: %v", name, r.Footer.Used)
	}
	function := slices.Contains([]string{measurement.Service, measurement.Synchronous, measurement.Concurrent}, h.Variant.System)
	cold := 0
	for _, j := range r.Jobs {
		if j.Failed != "" || j.Latency <= 0 {
			t.Errorf("%s: %+v", name, j)
			continue
		}
		if j.Cold {
			cold++
		}
		if h.Variant.System == measurement.Flask {
			if j.Decode <= 0 || j.Paint <= 0 || j.Encode <= 0 || j.Decode+j.Paint+j.Encode > j.Handler+1e-5 || j.Received <= 0 || j.Handler > j.Latency {
				t.Errorf("%s: the stages are those of %+v", name, j)
			}
			continue
		}
		stages := j.Read + j.Decode + j.Paint + j.Encode + j.Write
		if j.Read <= 0 || j.Decode <= 0 || j.Paint <= 0 || j.Encode <= 0 || j.Write <= 0 || stages > j.Handler || j.Handler > j.Latency {
			t.Errorf("%s: the stages take %v of %+v", name, stages, j)
		}
		if h.Variant.System != measurement.Service && (j.Received <= 0 || j.Received+j.Handler > j.Latency+1e-6) {
			t.Errorf("%s: time until received: %+v", name, j)
		}
		if function && (j.Billed < j.Handler || j.Cold != (j.Start > 0)) {
			t.Errorf("%s: billed and started: %+v", name, j)
		}
	}
	switch h.Variant.System {
	case measurement.Daemon, measurement.Flask:
		if cold != 0 {
			t.Errorf("%s: %d cold starts of a server that has painted before", name, cold)
		}
	case measurement.Service:
		if !r.Jobs[0].Cold || cold != 1 {
			t.Errorf("%s: %d cold starts, want only the first picture", name, cold)
		}
		const library = 15e6 // bytes that a start reads at least
		if onDisk := h.Machine.FileSystem == "ext4"; h.Variant.Evicted && onDisk && r.Footer.Void == "" && (r.Jobs[0].DiskBytes < library || r.Jobs[1].DiskBytes > library) {
			t.Errorf("%s: the start fetched %d bytes from the disk, and the next picture %d", name, r.Jobs[0].DiskBytes, r.Jobs[1].DiskBytes)
		}
	case measurement.Concurrent:
		if cold != 1 {
			t.Errorf("%s: %d cold starts in one environment", name, cold)
		}
	}
}

func TestBadArguments(t *testing.T) {
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for args, want := range map[string]string{
		"--only [":              "syntax error in pattern",
		"--only nothing":        "--only matches no variant: see --list for their names",
		"--out " + blocked:      "the output folder can't be made",
		"--out /x y":            "unexpected argument y",
		"--repetitions=-1":      "--repetitions -1: use 1 or more",
		"--seed few":            "--seed",
		"--retry-void=-1":       "--retry-void -1: use 0 or more",
		"--trace " + blocked:    "--trace " + blocked + ": the trace is empty",
		"--quick --cheap --out": "unknown flag --cheap",
	} {
		err := run(t.Context(), append(strings.Fields(args), "--scratch", t.TempDir()), os.Getenv, &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", args, err, want)
		}
	}
	if err := run(t.Context(), []string{"--out", t.TempDir()}, os.Getenv, &bytes.Buffer{}, &bytes.Buffer{}); err == nil || errors.Is(err, syscall.ENOENT) {
		t.Errorf("without a working folder: %v", err)
	}
}

// The help explains what is measured and how to begin.
func TestHelp(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	help := exec.Command(self, "--help")
	help.Env = append(os.Environ(), "TEST_AS_COMMAND=1")
	stdout, err := help.Output()
	for _, word := range []string{"--out", "--quick", "--only", "service ", "daemon ", "hypothetical", "Ctrl-C", "void"} {
		if !strings.Contains(string(stdout), word) {
			t.Errorf("%q is not in the help (%v):\n%s", word, err, stdout)
		}
	}
}

func TestList(t *testing.T) {
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"--list", "--only", "service-*", "--scratch", t.TempDir()}, os.Getenv, &stdout, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`(?m)^service-onnx-2048px-3007mb-20ms-2threads +3 runs of +\d+ s$`, `(?m)^\d+ variants, \d+ runs, about \d+m\. `} {
		if !regexp.MustCompile(line).MatchString(stdout.String()) || strings.Contains(stdout.String(), "daemon") {
			t.Errorf("there is no line as %s:\n%s", line, &stdout)
		}
	}
}

// The end of the list has the durations of both phases, which fit into one sitting.
func TestListHasPhases(t *testing.T) {
	var stdout bytes.Buffer
	if err := run(t.Context(), []string{"--list", "--scratch", t.TempDir()}, os.Getenv, &stdout, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if line := regexp.MustCompile(`(?m)^\d+ variants, \d+ runs, about 1h\d+m: 4\dm for those that calibrate, (4\dm|50m) for the others\. `); !line.MatchString(stdout.String()) {
		t.Errorf("there is no line as %s:\n%s", line, &stdout)
	}
}

// A report of the same folder is the same each time; a folder without runs is refused.
func TestReport(t *testing.T) {
	v := measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 256, Jobs: 1, Pattern: measurement.Poisson, Rate: 1}
	dir := t.TempDir()
	folder, err := measurement.Open(dir, measurement.Plan{Quick: true, Repetitions: 1, Seed: 3, Variants: []measurement.Variant{v}})
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if _, err := compare(t, "report", dir); err == nil || !strings.Contains(err.Error(), "no runs yet") {
		t.Fatalf("of a folder without runs: got the error %v", err)
	}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	if err := folder.Add(&measurement.Run{
		Header: measurement.Header{Format: measurement.Format, Variant: v, Repetition: 1, Began: began},
		Jobs:   []measurement.Job{{Latency: 0.5, Handler: 0.4}},
		Footer: measurement.Footer{Ended: began, Jobs: 1},
	}); err != nil {
		t.Fatal(err)
	}
	var first []byte
	var out string
	for range 2 {
		if out, err = compare(t, "report", dir); err != nil {
			t.Fatal(err)
		}
		page, err := os.ReadFile(filepath.Join(dir, "report.html"))
		if err != nil || first != nil && !bytes.Equal(first, page) {
			t.Fatalf("the second report differs, or: %v", err)
		}
		first = page
	}
	if !strings.Contains(out, "Not for decisions") || !bytes.Contains(first, []byte("Not for decisions")) {
		t.Error("the report of a quick measurement has no warning")
	}
}

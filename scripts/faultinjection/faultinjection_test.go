//go:build linux

package main

import (
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/setuptest"
)

// An entry is a directory entry without a file.
type entry struct {
	name   string
	folder bool
}

func (e entry) Name() string               { return e.name }
func (e entry) IsDir() bool                { return e.folder }
func (e entry) Type() fs.FileMode          { return 0 }
func (e entry) Info() (fs.FileInfo, error) { return nil, fs.ErrInvalid }

// built are the programs of the stack, built once for all tests.
var built setuptest.Programs

func TestMain(m *testing.M) {
	code := m.Run()
	built.Remove()
	os.Exit(code)
}

// programs builds the programs, and returns options with them and with a temporary folder.
func programs(t *testing.T) *options {
	t.Helper()
	if testing.Short() {
		t.Skip("starts whole stacks: left out with -short")
	}
	setuptest.Require(t, "", "ATELIER_ROOT", "ATELIER_ONNXRUNTIME", "ATELIER_MINISTACK")
	const module = "github.com/atelier-go/atelier/"
	bin := built.Dir(t,
		[]string{"-tags=nodynamic", "-o", "$DIR/", module + "api/cmd/api-server", module + "worker/cmd/picture-decoder"},
		[]string{"-tags=nodynamic,onnx", "-o", "$DIR/worker-daemon-onnx", module + "worker/cmd/worker-daemon"},
		[]string{"-tags=nodynamic,onnx", "-o", "$DIR/worker-lambda-onnx", module + "worker/cmd/worker-lambda"})
	return &options{
		Seed: 1, Root: os.Getenv("ATELIER_ROOT"), ONNXRuntime: os.Getenv("ATELIER_ONNXRUNTIME"), MiniStack: os.Getenv("ATELIER_MINISTACK"),
		Bin: bin, Folder: t.TempDir(),
	}
}

// Some scenarios are tried with few jobs; scripts/chaos tries all of them with many.
func TestShort(t *testing.T) {
	t.Parallel()
	o := programs(t)
	for _, c := range []struct {
		name string
		size size
	}{
		{"kill", size{120, 20}}, {"unreliable-queue", size{30, 0}}, {"queue-crash", size{60, 2}}, {"clocks", size{60, 10}},
		{"full-disk", size{40, 2}}, {"poison", size{40, 0}}, {"functions", size{60, 6}}, {"retention", size{60, 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			sc, err := choose([]string{c.name})
			if err != nil {
				t.Fatal(err)
			}
			own := *o
			own.Jobs, own.Times = c.size.jobs, c.size.times
			r := own.try(t.Context(), sc[0], newProgress(os.Stderr))
			if r.Skipped != "" {
				t.Skip(r.Skipped)
			}
			if !r.ok() {
				t.Errorf("%s\n%s\nlog: %s", r.outcome(), strings.Join(r.Wrong, "\n"), tail(filepath.Join(r.Folder, "log")))
			}
			if r.Accepted < c.size.jobs || c.size.times > 0 && r.Faults == 0 {
				t.Errorf("%d jobs were accepted and %d faults hit, of %+v", r.Accepted, r.Faults, c.size)
			}
			if r.Uploaded == 0 || r.Ended["gone"] == 0 {
				t.Errorf("no job was uploaded or erased: %s", r.outcome())
			}
			t.Logf("%s, %d faults, %.1f s", r.outcome(), r.Faults, r.Seconds)
		})
	}
}

// Ctrl-C ends a trial within seconds, and the result has what was found by then.
func TestInterrupted(t *testing.T) {
	o := programs(t)
	sc, err := choose([]string{"undisturbed"})
	if err != nil {
		t.Fatal(err)
	}
	o.Jobs = 100_000
	ctx, interrupt := context.WithCancel(t.Context())
	time.AfterFunc(3*time.Second, interrupt)
	r := o.try(ctx, sc[0], newProgress(os.Stderr))
	if !r.Stopped || !r.ok() || r.Seconds > 30 {
		t.Errorf("got %+v", r)
	}
	if left, err := os.ReadDir(o.Folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if text := table([]*result{r}, "here"); !strings.Contains(text, "stopped before all was checked") {
		t.Errorf("the table is\n%s", text)
	}
	if pids := functionProcesses(); len(pids) > 0 {
		t.Errorf("processes %v are left", pids)
	}
}

// The walk reports what does not belong in the shared directory, and a finding counts everything that is wrong but
// keeps only the first of it.
func TestFindsWhatIsWrong(t *testing.T) {
	f := &finding{}
	d := newDirectory()
	for rel, folder := range map[string]bool{
		"jobs/2026/11/30/04/.new-0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c":   true,
		"jobs/2026/11/30/04/.gone-0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c":  true,
		"jobs/2026/11/30/04/0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c/.tmp-X": false,
		"jobs/2026/11/30/04/stray":                                       false,
		"active/0123/0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c":               false,
		"erasing/0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c.erased":            false,
		"tmp/X": false, "sweep/x": false, "spare/x": false, "else": false,
		"published/private/2026/11/30/04/.nfs0001": false,
	} {
		if d.take(rel, entry{filepath.Base(rel), folder}) {
			t.Errorf("%s passes", rel)
		}
	}
	for rel, folder := range map[string]bool{
		"jobs": true, "jobs/2026": true, "FORMAT": false, "sweep/turn.7": false, "sweep/memory.json": false, "usage/0123": false, "spare/file.12": false, "spare/clock": false, "spare/folder.3": true,
		"jobs/2026/11/30/04/0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c": true, "gone/2026/11/30/04/0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0d": false,
	} {
		if !d.take(rel, entry{filepath.Base(rel), folder}) {
			t.Errorf("%s does not pass", rel)
		}
	}
	if !d.take("jobs/2026/11/30/04/0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0c/out.1", entry{"out.1", false}) || len(d.outputs) != 1 {
		t.Error("a job's picture is not noted")
	}
	for range 30 {
		f.wrong("x")
	}
	if f.Found != 30 || len(f.Wrong) != 20 {
		t.Errorf("got %d, and %d of them", f.Found, len(f.Wrong))
	}
}

func TestChoose(t *testing.T) {
	if _, err := choose([]string{"kill", "nonsense"}); err == nil || !strings.Contains(err.Error(), "unreliable-queue") {
		t.Errorf("got %v, want an error that names those that there are", err)
	}
	all, err := choose(nil)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, sc := range all {
		names = append(names, sc.name)
		if sc.breaks == "" || sc.fault != nil && sc.every == 0 {
			t.Errorf("%s is not complete", sc.name)
		}
	}
	if slices.Sort(names); len(slices.Compact(names)) != len(all) {
		t.Errorf("two scenarios have one name: %q", names)
	}
}

// A process whose clock is set reads that wall clock, and its monotonic clock is not changed.
func TestClock(t *testing.T) {
	if os.Getenv("PRINT_CLOCK") != "" {
		now := time.Now()
		time.Sleep(time.Millisecond)
		if took := time.Since(now); took > time.Minute {
			t.Fatalf("a millisecond took %s", took)
		}
		if err := os.WriteFile(os.Getenv("PRINT_CLOCK"), []byte(now.Format(time.RFC3339)), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	file := filepath.Join(t.TempDir(), "clock")
	p := &process{name: "clock", clock: -time.Hour, log: os.Stderr, fail: func(string) {}, command: func() *exec.Cmd {
		cmd := exec.Command(os.Args[0], "-test.run=^TestClock$")
		cmd.Env = append(os.Environ(), "PRINT_CLOCK="+file)
		return cmd
	}}
	p.start()
	defer p.close()
	for range 100 {
		if b, err := os.ReadFile(file); err == nil && len(b) > 0 {
			at, err := time.Parse(time.RFC3339, string(b))
			if off := time.Since(at) - time.Hour; err != nil || off < -10*time.Second || off > 10*time.Second {
				t.Errorf("the process's time is %s, and ours %s", b, time.Now())
			}
			return
		}
		if pause(t.Context(), 100*time.Millisecond) != nil {
			break
		}
	}
	t.Fatal("the process has not written its time")
}

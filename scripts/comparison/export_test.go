package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// Workers alone, on the whole machine and with a function's share of the processors, and a system.
// Reports with runs of these workers take longer, because they have bills.
var (
	onMachine  = measurement.Variant{System: measurement.Service, Engine: measurement.ONNX, Size: 512, Jobs: 3, Threads: 1}
	inFunction = measurement.Variant{System: measurement.Service, Engine: measurement.ONNX, Size: 512, Jobs: 3, Threads: 2, MemoryMB: 3007, PeriodMS: 20}
	daemon     = measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 3, Pattern: measurement.Poisson, Rate: 1}
)

// measured makes an output folder with one run of each variant.
func measured(t *testing.T, variants ...measurement.Variant) (dir string) {
	t.Helper()
	dir = t.TempDir()
	p := measurement.Plan{Repetitions: 1, Seed: 3, Variants: variants}
	folder, err := measurement.Open(dir, p)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for i, v := range p.Variants {
		r := &measurement.Run{
			Header: measurement.Header{Format: measurement.Format, Variant: v, Repetition: 1, Position: i + 1, Began: began, Machine: machine.Description{Processor: "a processor"}},
			Footer: measurement.Footer{Ended: began, Jobs: v.Jobs + 1},
		}
		for n := range v.Jobs + 1 {
			j := measurement.Job{ID: "a", Cold: n == 0, Latency: 0.0512345678, Handler: 0.0512345678, Billed: 0.0523}
			if j.Cold {
				j.Start, j.Billed = 0.1, 0.1523
			}
			r.Jobs = append(r.Jobs, j)
		}
		if err := folder.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// compare runs the command in a process of its own; see [program]. An error includes the output.
func compare(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program(t), args...).CombinedOutput()
	if err != nil {
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return string(out), err
}

// From an export anybody makes the same report, to the byte. Exporting the export again changes
// nothing.
func TestExport(t *testing.T) {
	dir, to := measured(t, daemon, inFunction), filepath.Join(t.TempDir(), "results")
	if err := os.WriteFile(filepath.Join(dir, measurement.PredictionsFile), []byte(`{"commit":"0123abc"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := compare(t, "export", dir, "--to", to); err != nil || !strings.Contains(out, "2 runs are exported to "+to) {
		t.Fatalf("printed %q, %v", out, err)
	}
	if _, err := compare(t, "report", dir); err != nil {
		t.Fatal(err)
	}
	content := func(dir, name string) string {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	files := []string{"report.html", "report.md", "report.json", "plan.json", measurement.PredictionsFile}
	for _, name := range files {
		if content(dir, name) != content(to, name) {
			t.Errorf("%s differs", name)
		}
	}
	files = append(files, measurement.ArchiveFile)
	before := map[string]string{}
	for _, name := range files {
		before[name] = content(to, name)
	}
	for _, args := range [][]string{{"export", to, "--to", to}, {"report", to}} {
		if _, err := compare(t, args...); err != nil {
			t.Fatal(args, err)
		}
		for name, want := range before {
			if content(to, name) != want {
				t.Errorf("%v has changed %s", args, name)
			}
		}
	}
}

// An export replaces neither runs nor predictions that were committed before their runs.
func TestExportReplacesNoEvidence(t *testing.T) {
	dir, other := measured(t, daemon), t.TempDir()
	if err := os.WriteFile(filepath.Join(other, measurement.PredictionsFile), []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for to, want := range map[string]string{dir: "an output folder with runs", other: "has other predictions than " + dir} {
		if _, err := compare(t, "export", dir, "--to", to); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	if _, err := compare(t, "export", other, "--to", t.TempDir()); err == nil || !strings.Contains(err.Error(), "has no runs") {
		t.Errorf("a folder without runs: %v", err)
	}
}

// Without --data a plan uses the committed measurement of its checkout, for sizes that it has. Three
// charts of the report are files as well.
func TestCommittedMeasurement(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a report with bills: left out with -short")
	}
	root := t.TempDir()
	to := filepath.Join(root, "scripts", "comparison", "results")
	if _, err := compare(t, "export", measured(t, onMachine, inFunction), "--to", to); err != nil {
		t.Fatal(err)
	}
	if figure, err := os.ReadFile(filepath.Join(to, "figures", "saving.svg")); err != nil || !bytes.HasPrefix(figure, []byte("<svg ")) {
		t.Errorf("the figure is %.40q, %v", figure, err)
	}
	for size, want := range map[string]string{"512": "scripts/comparison/results", "1024": "scripts/bench-results.md"} {
		out, err := compare(t, "plan", "--jobs-per-day", "50", "--root", root, "--size", size, "--json")
		if err != nil || !strings.Contains(out, `"from": "`+want) {
			t.Errorf("%s px: %v, not from %s: %.600s", size, err, want, out)
		}
	}
}

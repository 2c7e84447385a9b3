package report

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// A report on recorded arrivals identifies the trace by its hash and statistics.
func TestTraceIsNamed(t *testing.T) {
	v := measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 20, Pattern: measurement.Recorded, Rate: 1, Trace: "0123abcd"}
	dir := synthetic(t, measurement.Plan{Repetitions: 1, Seed: 1, Variants: []measurement.Variant{v}})
	r := invent(rand.New(rand.NewPCG(1, 1)), v, 2, 1, 1)
	r.Header.Trace = &measurement.Trace{SHA256: v.Trace, Statistics: measurement.TraceStatistics{PerHour: 49, PeakHour: 9.2}}
	add(t, dir, r)
	f, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if text := strings.Join(raw(&f).Text, " "); !strings.Contains(text, "SHA-256 0123abcd, 49.0 jobs an hour, an index of dispersion of – in windows of 10 minutes") || !strings.Contains(text, "9.20 times the mean") {
		t.Errorf("got %s", text)
	}
}

// Ten runs on two processor models do not count as ten.
func TestMissingByProcessor(t *testing.T) {
	v := measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 20, Pattern: measurement.Poisson, Rate: 1}
	f := folder{plan: measurement.Plan{Repetitions: 10, Seed: 1, Variants: []measurement.Variant{v}}}
	for i := range 10 {
		r := invent(rand.New(rand.NewPCG(1, 1)), v, i+1, 1, 1)
		if i >= 6 {
			r.Header.Machine.Processor = "Another processor"
		}
		f.runs = append(f.runs, r)
	}
	tables := raw(&f).Tables
	if last := tables[len(tables)-1]; last.Title != "Planned runs that are missing" || last.Rows[0][2] != "6" {
		t.Errorf("got %+v", last)
	}
}

// Variants that could not be measured are listed with the reason, which is also part of the digest.
func TestMissingRunsHaveReasons(t *testing.T) {
	v := measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 20, Pattern: measurement.Poisson, Rate: 1}
	dir := synthetic(t, measurement.Plan{Repetitions: 1, Seed: 1, Variants: []measurement.Variant{v}})
	other := v
	other.System = measurement.Flask
	before, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, measurement.UnavailableFile), []byte(`{"`+other.Name()+`": "run scripts/setup --bench"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if f.digest == before.digest {
		t.Error("the digest is the same")
	}
	f.plan.Variants = append(f.plan.Variants, other)
	tables := raw(&f).Tables
	last := tables[len(tables)-1]
	if len(last.Rows) != 1 || last.Rows[0][0] != other.Name() || last.Rows[0][1] != "run scripts/setup --bench" {
		t.Errorf("got %q", last.Rows)
	}
}

package report

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// measuredIn returns a folder with a plan of ten repetitions and with runs of one variant; change
// modifies each job.
func measuredIn(v measurement.Variant, runs int, change func(*measurement.Job)) *folder {
	f := &folder{plan: measurement.Plan{Repetitions: 10, Seed: 1, Variants: []measurement.Variant{v}}}
	for n := range runs {
		r := invent(rand.New(rand.NewPCG(1, uint64(n))), v, n+1, 1, 1)
		for i := range r.Jobs {
			change(&r.Jobs[i])
		}
		f.runs = append(f.runs, r)
	}
	return f
}

// cell returns the value of a column of the latency section, for the only variant in f.
func cell(t *testing.T, f *folder, column string) string {
	t.Helper()
	for _, table := range latencies(f).Tables {
		if i := slices.Index(table.Columns, column); i >= 0 {
			return table.Rows[0][i]
		}
	}
	t.Fatalf("there is no column %q", column)
	return ""
}

// A time that a system does not report is shown as a dash, not as zero.
func TestUnreportedTimesAreDashes(t *testing.T) {
	v := measurement.Variant{System: measurement.Flask, Engine: measurement.TensorFlow, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1}
	f := measuredIn(v, 1, func(j *measurement.Job) { j.Handler, j.Received, j.Waited = 0, 0, 0 })
	for _, column := range []string{"Until received", "of this, waiting for an environment", "In the handler"} {
		if got := cell(t, f, column); got != none {
			t.Errorf("%s: got %q, want %q", column, got, none)
		}
	}
}

// The time before the handler is shown apart from the handler's, and the processor time of the
// system apart from that of emulators and load generator.
func TestLatencyInParts(t *testing.T) {
	v := measurement.Variant{System: measurement.MiniStack, Engine: measurement.ONNX, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1}
	f := measuredIn(v, 2, func(j *measurement.Job) { j.Handler, j.Received, j.Waited = 0.25, 0.5, 0.125 })
	for column, want := range map[string]string{
		"Until received": "0.500", "of this, waiting for an environment": "0.125", "In the handler": "0.250",
		"Processor time of the system": "0.0170", "of the AWS emulators": "0.0250", "of the load generator": "0.0350", // of 3.4, 5 and 7 s for 200 jobs
	} {
		if got := cell(t, f, column); got != want {
			t.Errorf("%s: got %q, want %q", column, got, want)
		}
	}
}

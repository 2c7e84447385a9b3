package report

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/measure/machine"
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
		"Processor time: system": "0.0170", "AWS emulators": "0.0250", "Load generator": "0.0350", // of 3.4, 5 and 7 s for 200 jobs
	} {
		if got := cell(t, f, column); got != want {
			t.Errorf("%s: got %q, want %q", column, got, want)
		}
	}
}

// Principles are met by existing runs, not by planned ones.
func TestPrinciplesAreMetByRuns(t *testing.T) {
	v := measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1}
	same := func(*measurement.Job) {}
	other := v
	other.Rate = 2
	for name, c := range map[string]struct {
		f    *folder
		want string
	}{
		"one run of ten planned": {measuredIn(v, 1, same), "unmet"},
		"ten runs":               {measuredIn(v, 10, same), "met"},
		"one of two variants": {func() *folder {
			f := measuredIn(v, 10, same)
			f.plan.Variants = append(f.plan.Variants, other)
			return f
		}(), "partly: 1 of 2 variants"},
		"void runs": {func() *folder {
			f := measuredIn(v, 10, same)
			f.runs[3].Footer.Void = "the load generator was late"
			return f
		}(), "unmet"},
	} {
		rows := c.f.principles().Tables[0].Rows
		for _, n := range []int{0, 4, 5} {
			if !strings.HasPrefix(rows[n][1], c.want) {
				t.Errorf("%s: %s is %q, want %q", name, rows[n][0], rows[n][1], c.want)
			}
		}
	}
}

// Runs without a commit do not describe their setup.
func TestRunsWithoutCommitAreIncomplete(t *testing.T) {
	v := measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1}
	f := measuredIn(v, 2, func(*measurement.Job) {})
	if got := f.principles().Tables[0].Rows[2][1]; got != "met" {
		t.Errorf("got %q", got)
	}
	f.runs[1].Header.Machine.Commit = machine.Unknown
	if got, want := f.principles().Tables[0].Rows[2][1], "partly: 1 of 2 runs do not record processor, kernel or commit"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

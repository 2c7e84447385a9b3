package plan_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/plan"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// made returns runs of a worker alone, with pictures of about seconds each.
func made(v measurement.Variant, runs int, seconds float64) (all []*measurement.Run) {
	random := rand.New(rand.NewPCG(1, uint64(v.MemoryMB)))
	v.System, v.Size, v.Jobs = measurement.Service, 512, 20
	for i := range runs {
		r := &measurement.Run{Header: measurement.Header{
			Format: measurement.Format, Variant: v, Repetition: i + 1, Machine: machine.Description{Processor: "a processor"},
		}}
		r.Footer.Ended = time.Date(2026, 11, 1+i, 0, 0, 0, 0, time.UTC)
		ofRun := seconds * (0.9 + 0.2*random.Float64())
		r.Jobs = append(r.Jobs, measurement.Job{Cold: true, Start: 0.1, Handler: ofRun + 0.2, Billed: ofRun + 0.3})
		for range 20 {
			handler := ofRun * (0.9 + 0.2*random.Float64())
			r.Jobs = append(r.Jobs, measurement.Job{Handler: handler, Billed: handler + 0.05})
		}
		all = append(all, r)
	}
	return all
}

func onnx(memory, threads int) measurement.Variant {
	v := measurement.Variant{Engine: measurement.ONNX, MemoryMB: memory, Threads: threads}
	if memory > 0 {
		v.PeriodMS = 20
	}
	return v
}

// Intervals include the differences between runs. Of several numbers of threads the deployed one is
// used, even if others were faster.
func TestPlanFromRuns(t *testing.T) {
	runs := append(made(onnx(3007, 1), 10, 0.05), made(onnx(3007, 2), 10, 0.1)...)
	runs = append(runs, made(onnx(0, 1), 10, 0.15)...)
	void := made(onnx(1769, 1), 1, 0.001)
	void[0].Footer.Void = "the load generator was late"
	other := onnx(1769, 1)
	other.Network = measurement.Magenta
	runs = append(runs, made(other, 10, 0.001)...)
	times, err := plan.Measured(append(runs, void...), "folder", 512)
	if err != nil {
		t.Fatal(err)
	}
	if s := times.Source; s.Runs != 10 || s.Date != "2026-11-10" || s.Machine != "a processor" || s.From != "folder" {
		t.Errorf("the source is %+v", s)
	}
	p := planned(t, 500, plan.Steady, 10, func(r *plan.Request) { r.Times = times })
	for _, c := range p.Candidates {
		if c.MemoryMB == 1769 {
			t.Error("a void run or another network led to a candidate")
		}
		if !(c.USD.Low <= c.USD.Estimate && c.USD.Estimate <= c.USD.High) || !(c.Latency.Low < c.Latency.Estimate && c.Latency.Estimate < c.Latency.High) {
			t.Errorf("%s: %+v, p95 %+v", c.Name, c.USD, c.Latency)
		}
	}
	f := candidate(t, p, "function of 3007 MB, ONNX Runtime in the zip")
	// Two threads: 0.15 s billed, plus 0.081 s of EFS and 0.1 s of SQS.
	near(t, "median", f.P50.Estimate, 0.331, 0.03)
	if !strings.Contains(f.Command, "--set WorkerThreads=2 ") {
		t.Errorf("the deployed number of threads differs from the measured one: %s", f.Command)
	}
	// With the bands only it would be 0.7 to 1.5 times 0.15 s; runs differ by more.
	if f.P50.Low >= 0.15*0.7+0.181 || f.P50.High <= 0.15*1.5+0.181 {
		t.Errorf("the median's interval is %+v", f.P50)
	}
}

func TestUnusableRunsAreRefused(t *testing.T) {
	other := made(onnx(1769, 1), 2, 0.1)
	other[1].Header.Machine.Processor = "another"
	for name, c := range map[string]struct {
		runs []*measurement.Run
		want string
	}{
		"none":           {nil, "no valid run of a worker alone"},
		"two processors": {other, "several processor models"},
		"only starts": {func() []*measurement.Run {
			runs := made(onnx(1769, 1), 1, 0.1)
			runs[0].Jobs = runs[0].Jobs[:1]
			return runs
		}(), "measure with more jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := plan.Measured(c.runs, "folder", 512)
			var bad *plan.InputError
			if !errors.As(err, &bad) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

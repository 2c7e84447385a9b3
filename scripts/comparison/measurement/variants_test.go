package measurement

import (
	"fmt"
	"maps"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// No two variants of a plan have the same name, because files are found by it.
func TestNames(t *testing.T) {
	full := Full()
	if err := full.AddTrace(readTrace(t, trace(400))); err != nil {
		t.Fatal(err)
	}
	for _, p := range []Plan{full, Quick()} {
		names := map[string]bool{}
		for _, v := range p.Variants {
			if name := v.Name(); names[name] || strings.ContainsAny(name, "/. ") {
				t.Errorf("%q is used twice or is not a file name", name)
			} else {
				names[name] = true
			}
			if v.Hypothetical() != (v.System == Concurrent) {
				t.Errorf("%s: hypothetical: %v", v.Name(), v.Hypothetical())
			}
		}
	}
}

// trace returns the text of a trace with one job a second.
func trace(jobs int) string {
	var text strings.Builder
	text.WriteString("arrival_s\n")
	for n := range jobs {
		fmt.Fprintln(&text, n)
	}
	return text.String()
}

// The whole measurement takes about eight hours on two processors.
func TestFullTakesHours(t *testing.T) {
	p := Full()
	if took := p.Estimate() * time.Duration(p.Repetitions); took < 6*time.Hour || took > 8*time.Hour {
		t.Errorf("%d repetitions of %d variants take %v, want about seven and a half hours", p.Repetitions, len(p.Variants), took)
	}
	if took := Quick().Estimate(); took > 90*time.Second {
		t.Errorf("the quick measurement takes %v", took)
	}
}

// The 99th percentiles of systems are compared under one load.
func TestFullHasP99(t *testing.T) {
	systems := map[string][]string{}
	for _, v := range Full().Variants {
		if v.Jobs >= statistics.MinimumJobsP99 {
			load := fmt.Sprint(v.Engine, v.Pattern, v.Rate)
			systems[load] = append(systems[load], v.System)
		}
	}
	if len(systems) != 1 || !slices.Equal(slices.Collect(maps.Values(systems))[0], []string{Daemon, MiniStack, Synchronous}) {
		t.Errorf("runs of %d jobs or more: %v, want one load of three systems", statistics.MinimumJobsP99, systems)
	}
}

// The plan has the systems, engines and patterns of the comparison, at rates that leave half of two
// processors free.
func TestFullHasAllSystems(t *testing.T) {
	patterns := map[string]map[string]bool{}
	rates := map[float64]bool{}
	for _, v := range Full().Variants {
		if v.Pattern == "" {
			continue
		}
		key := strings.Trim(v.System+" "+v.Engine+" "+v.Network, " ")
		if patterns[key] == nil {
			patterns[key] = map[string]bool{}
		}
		patterns[key][v.Pattern] = true
		if v.Pattern == Poisson {
			rates[v.Rate] = true
		}
		v.MemoryMB, v.Threads = 0, 1
		if busy := v.Rate * v.picture(); v.Jobs < 200 || busy > 1 {
			t.Errorf("%s: %d jobs, and they keep %.2f processors busy, want 200 and at most half of two", v.Name(), v.Jobs, busy)
		}
	}
	for _, key := range []string{"daemon onnx", "daemon tensorflow", "ministack onnx", "ministack tensorflow", "synchronous onnx", "synchronous tensorflow", "concurrent onnx", "flask tensorflow"} {
		if !patterns[key][Steady] || !patterns[key][Poisson] {
			t.Errorf("%s has the patterns %v, want steady, by which simulations are calibrated, and Poisson", key, patterns[key])
		}
	}
	for _, key := range []string{"daemon onnx", "ministack onnx", "synchronous onnx"} {
		if len(patterns[key]) != 4 || !patterns[key][Bursts] || !patterns[key][Synthetic] {
			t.Errorf("%s has the patterns %v, want all", key, patterns[key])
		}
	}
	for _, key := range []string{"synchronous tensorflow magenta", "flask tensorflow magenta"} { // the systems with which the project began
		if !patterns[key][Poisson] {
			t.Errorf("%s is missing in the plan", key)
		}
	}
	if len(rates) != 2 {
		t.Errorf("Poisson has the rates %v, want two", rates)
	}
}

// Cold starts of an engine differ only in packaging.
func TestFullHasColdStarts(t *testing.T) {
	for _, engine := range []string{TensorFlow, ONNX} {
		packagings := map[string]bool{}
		for _, v := range Full().Variants {
			alike := v == Variant{System: Service, Engine: engine, Size: 256, Jobs: 1, Threads: 1, Evicted: v.Evicted, NFS: v.NFS, LatencyMS: v.LatencyMS, ReadAhead: v.ReadAhead}
			switch {
			case !alike:
			case v.NFS && v.LatencyMS == 2 && v.ReadAhead:
				packagings["read ahead"] = true
			case v.NFS && v.LatencyMS == 2:
				packagings["network file system"] = true
			case v.Evicted && !v.ReadAhead:
				packagings["archive"] = true
			}
		}
		if len(packagings) != 3 {
			t.Errorf("%s starts from %v", engine, packagings)
		}
	}
}

func TestQuickHasAllPatterns(t *testing.T) {
	p := Quick()
	if err := p.AddTrace(readTrace(t, trace(400))); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{Steady, Poisson, Bursts, Synthetic, Recorded} {
		if !slices.ContainsFunc(p.Variants, func(v Variant) bool { return v.Pattern == pattern }) {
			t.Errorf("%s is not in the quick plan", pattern)
		}
	}
}

// A trace is added for each synthetic pattern, at the same rate; an unusable trace is refused
// before anything is measured.
func TestAddTrace(t *testing.T) {
	p := Full()
	before := len(p.Variants)
	recorded := readTrace(t, trace(400))
	if err := p.AddTrace(recorded); err != nil {
		t.Fatal(err)
	}
	for _, v := range p.Variants[before:] {
		same := v
		same.Pattern, same.Trace = Synthetic, ""
		if v.Pattern != Recorded || v.Trace != recorded.SHA256 || !slices.Contains(p.Variants, same) {
			t.Errorf("%s was added", v.Name())
		}
	}
	if len(p.Variants) == before {
		t.Error("no variant was added")
	}
	if err := p.AddTrace(readTrace(t, "arrival_s\n0\n1\n")); err == nil || !strings.Contains(err.Error(), "last longer than the trace") {
		t.Errorf("a trace of two jobs: got %v", err)
	}
}

// The remaining time is the estimate, scaled by the error of the estimates so far.
func TestRemainingTime(t *testing.T) {
	steps := []step{}
	for _, rate := range []float64{1, 2, 4} {
		steps = append(steps, step{variant: Variant{System: Synchronous, Engine: ONNX, Size: 64, Jobs: 100, Pattern: Steady, Rate: rate}})
	}
	c := newClock(steps)
	all := c.left()
	if want := 175*time.Second + 3*seconds(steps[0].variant.overhead()); all != want {
		t.Errorf("at first %v, want %v", all, want)
	}
	c.made(steps[0], 2*steps[0].variant.Estimate())
	c.leaveOut(steps[1])
	if got, want := c.left(), 2*steps[2].variant.Estimate(); math.Abs((got - want).Seconds()) > 0.001 {
		t.Errorf("then %v, want %v", got, want)
	}
}

// The estimate depends on the processors of a function.
func TestEstimate(t *testing.T) {
	v := Variant{System: Service, Engine: ONNX, Size: 512, Jobs: 99, Threads: 1}
	half := asFunction(v, 885, 1)
	extra := Variant{System: Service, Engine: ONNX}.overhead()
	if got := (half.Estimate().Seconds() - extra) / (v.Estimate().Seconds() - extra); math.Abs(got-2) > 0.01 {
		t.Errorf("on half a processor it takes %.2f times as long, want twice", got)
	}
	if two := asFunction(v, 3538, 2); runtime.GOMAXPROCS(0) > 1 && two.Estimate() >= v.Estimate() {
		t.Errorf("on two processors %v, on one %v", two.Estimate(), v.Estimate())
	}
}

// Between two bursts, functions whose idle environments end are idle for long enough after the
// pictures of the first burst.
func TestEnvironmentsEndBetweenBursts(t *testing.T) {
	found := 0
	for _, p := range []Plan{Full(), Quick()} {
		for _, v := range p.Variants {
			if v.Pattern != Bursts || v.IdleS == 0 {
				continue
			}
			found++
			times, err := v.arrivals(source())
			if err != nil {
				t.Fatal(err)
			}
			v.MemoryMB, v.PeriodMS = 0, 0
			if silence, busy := times[burst]-times[burst-1], burst*v.picture(); silence-busy <= float64(v.IdleS) {
				t.Errorf("%s: bursts are %.1f s apart, their pictures take %.1f s, and environments are kept for %d s", v.Name(), silence, busy, v.IdleS)
			}
		}
	}
	if found < 2 {
		t.Errorf("%d variants have bursts and an idle time", found)
	}
}

// A system is the same under any load, including a recorded one.
func TestWithoutLoad(t *testing.T) {
	steady := Variant{System: Daemon, Engine: ONNX, Size: 512, Jobs: 200, Pattern: Steady, Rate: 4}
	recorded := steady
	recorded.Jobs, recorded.Pattern, recorded.Rate, recorded.Trace = 100, Recorded, 2, "0123"
	if steady.WithoutLoad() != recorded.WithoutLoad() {
		t.Errorf("got %+v and %+v", steady.WithoutLoad(), recorded.WithoutLoad())
	}
}

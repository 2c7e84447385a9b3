package measurement

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
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

// The whole measurement fits into one sitting on two processors: at most 45 minutes to calibrate and
// 50 for the predicted runs.
func TestFullFitsOneSitting(t *testing.T) {
	p := Full()
	if calibrating, others := p.Estimate(true), p.Estimate(false); calibrating > 45*time.Minute || others > 50*time.Minute {
		t.Errorf("calibrating takes %v and the predicted runs %v, want at most 45m and 50m", calibrating, others)
	}
	if took := Quick().Estimate(true) + Quick().Estimate(false); took > 90*time.Second {
		t.Errorf("the quick measurement takes %v", took)
	}
}

// What is predicted, and what bills are computed from, has as many runs as an interval needs; what
// calibrates a prediction has five.
func TestFullHasEnoughRuns(t *testing.T) {
	p := Full()
	runs := map[string]int{}
	for _, v := range p.Variants {
		n := p.Runs(v)
		runs[v.Name()] = n
		bills := v.System == Service && v.Size < 2048 && !v.NFS && v.PeriodMS != 100
		if want := 10; n != want && (bills || !v.Calibrates()) {
			t.Errorf("%s has %d runs, want %d", v.Name(), n, want)
		}
	}
	for _, v := range p.Variants {
		if v.Calibrates() {
			continue
		}
		found := false
		for _, c := range p.Variants {
			found = found || c.Pattern == Steady && c.WithoutLoad() == v.WithoutLoad() && runs[c.Name()] == 5
		}
		if !found {
			t.Errorf("%s has no five calibrating runs", v.Name())
		}
	}
}

// The plan has the systems, engines and patterns of the comparison, at rates that leave half of two
// processors free.
func TestFullHasAllSystems(t *testing.T) {
	patterns := map[string][]string{}
	rates := map[float64]bool{}
	for _, v := range Full().Variants {
		if v.Pattern == "" {
			continue
		}
		key := strings.Trim(v.System+" "+v.Engine+" "+v.Network, " ")
		patterns[key] = append(patterns[key], v.Pattern)
		if v.Pattern != Steady && v.Pattern != Synthetic {
			rates[v.Rate] = true
		}
		v.MemoryMB, v.Threads = 0, 1
		if busy := v.Rate * v.picture(); v.Jobs < 200 || busy > 1 {
			t.Errorf("%s: %d jobs, and they keep %.2f processors busy, want 200 and at most half of two", v.Name(), v.Jobs, busy)
		}
	}
	for key, want := range map[string][]string{
		"daemon onnx":                    {Steady, Poisson, Bursts, Synthetic},
		"ministack onnx":                 {Steady, Poisson},
		"synchronous onnx":               {Steady, Bursts},
		"concurrent onnx":                {Steady, Poisson},
		"daemon tensorflow":              {Steady},
		"synchronous tensorflow":         {Steady, Poisson},
		"flask tensorflow":               {Steady, Poisson},
		"synchronous tensorflow magenta": {Steady},
		"flask tensorflow magenta":       {Steady},
	} {
		if !slices.Equal(patterns[key], want) {
			t.Errorf("%s has the patterns %v, want %v", key, patterns[key], want)
		}
	}
	if len(rates) != 1 {
		t.Errorf("the predicted patterns have the rates %v, want one, so that systems can be compared", rates)
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
	for _, pattern := range []string{Steady, Poisson, Bursts, Synthetic} {
		if !slices.ContainsFunc(p.Variants, func(v Variant) bool { return v.Pattern == pattern }) {
			t.Errorf("%s is not in the quick plan", pattern)
		}
	}
}

// A trace replaces each synthetic pattern, at the same rate; an unusable trace is refused before
// anything is measured.
func TestAddTrace(t *testing.T) {
	for _, p := range []Plan{Full(), Quick()} {
		before := slices.Clone(p.Variants)
		recorded := readTrace(t, trace(400))
		if err := p.AddTrace(recorded); err != nil {
			t.Fatal(err)
		}
		found := 0
		for i, v := range before {
			if v.Pattern == Synthetic {
				found++
				v.Pattern, v.Trace = Recorded, recorded.SHA256
			}
			if v != p.Variants[i] {
				t.Errorf("%s became %s", before[i].Name(), p.Variants[i].Name())
			}
		}
		if found == 0 || len(p.Variants) != len(before) {
			t.Errorf("%d of %d variants were replaced, and now there are %d", found, len(before), len(p.Variants))
		}
		p.Variants = before
		if err := p.AddTrace(readTrace(t, "arrival_s\n0\n1\n")); err == nil || !strings.Contains(err.Error(), "last longer than the trace") {
			t.Errorf("a trace of two jobs: got %v", err)
		}
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
			if silence, busy := times[Burst]-times[Burst-1], Burst*v.picture()/float64(v.Environments); silence-busy <= float64(v.IdleS) {
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

package measurement

import (
	"math"
	"strings"
	"testing"
)

func TestVoidReasons(t *testing.T) {
	system, alone := Variant{System: Daemon, Pattern: Steady}, Variant{System: Service}
	good := []Job{{}, {}}
	for name, c := range map[string]struct {
		v    Variant
		jobs []Job
		f    Footer
		want string
	}{
		"good":                   {system, good, Footer{LagP99: 0.005, Steal: 0.02, Share: 0.5}, ""},
		"load generator late":    {system, good, Footer{LagP99: 0.0051}, "the load generator was late: 99% of the jobs were sent at most 5.1 ms late, 5 ms are allowed"},
		"stolen processor time":  {alone, good, Footer{Steal: 0.031}, "other virtual machines took 3.1% of the processor time (steal), 2% are allowed"},
		"too much load":          {system, good, Footer{Share: 0.62}, "62% of the processors were in use, 50% are allowed"},
		"a worker alone is busy": {alone, good, Footer{Share: 0.99}, ""},
		"failed jobs":            {system, []Job{{}, {Failed: "429"}, {Failed: "500"}}, Footer{}, "2 of 3 jobs failed, the first because: 429"},
		"a picture does not fit": {alone, []Job{{Failed: "too_large"}}, Footer{}, ""},
		"evicted":                {alone, good, Footer{Files: 1000, Stayed: 50}, ""},
		"not evicted":            {alone, good, Footer{Files: 1000, Stayed: 500}, "50% of the program, library and model stayed in the page cache, 5% are allowed: another process has them mapped"},
		"more than one reason":   {system, good, Footer{LagP99: 1, Steal: 1}, "; "},
		"no jobs, not void":      {system, nil, Footer{}, ""},
	} {
		got := voidReason(c.v, c.jobs, c.f)
		if c.want == "; " && !strings.Contains(got, c.want) || c.want != "; " && got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

// The 99th percentile of 100 delays is the second largest; of fewer it is the largest.
func TestLagP99(t *testing.T) {
	jobs := make([]Job, 100)
	jobs[7].Lag = 1
	if got := lagP99(jobs); got != 0 {
		t.Errorf("1 of 100: got %v", got)
	}
	if got := lagP99(jobs[:99]); got != 1 {
		t.Errorf("1 of 99: got %v", got)
	}
	if got := lagP99(nil); got != 0 {
		t.Errorf("none: got %v", got)
	}
}

// A function's share of the processors follows from its memory.
func TestProcessorShareByMemory(t *testing.T) {
	for memory, want := range map[int]float64{1769: 1, 3538: 2, 3007: 1.6998} {
		if got := (Variant{MemoryMB: memory, PeriodMS: 20}).CPUs(); math.Abs(got-want) > 0.0001 {
			t.Errorf("%d MB: got %v, want %v", memory, got, want)
		}
	}
	if got := (Variant{MemoryMB: 1769}).CPUs(); got != 0 {
		t.Errorf("without a period: %v", got)
	}
}

package arrivals_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
)

func TestPeriod(t *testing.T) {
	for _, c := range []struct {
		trace []float64
		want  float64
	}{{[]float64{0, 1, 3}, 4.5}, {[]float64{0, 86400}, 172800}, {[]float64{0, 50_000, 100_000}, 172_800}} {
		if got, err := arrivals.Period(c.trace); err != nil || got != c.want {
			t.Errorf("%v: got %g, %v, want %g", c.trace, got, err, c.want)
		}
	}
	for _, trace := range [][]float64{nil, {0}, {0, 0, 0}} {
		if _, err := arrivals.Period(trace); err == nil || !strings.Contains(err.Error(), "a trace needs at least two different times") {
			t.Errorf("%v: got %v", trace, err)
		}
	}
}

// The rate is reached by copies of the trace or by leaving out jobs; gaps are never scaled.
func TestExcerpt(t *testing.T) {
	const period, jobs, count = 100_000, 100, 200
	trace, err := arrivals.Poisson(seeded(1), 0.02, period)
	if err != nil {
		t.Fatal(err)
	}
	for _, rate := range []float64{0.006, 0.1} { // a third of the trace's rate, and five times it
		last := 0.0
		for seed := range uint64(count) {
			times, err := arrivals.Excerpt(seeded(seed), trace, period, rate, jobs)
			if err != nil {
				t.Fatal(err)
			}
			if len(times) != jobs || times[0] != 0 || !slices.IsSorted(times) || times[jobs-1] >= period {
				t.Fatalf("rate %g: got %d arrivals from %g to %g", rate, len(times), times[0], times[len(times)-1])
			}
			last += times[jobs-1] / count
		}
		if got := (jobs - 1) / last; math.Abs(got/rate-1) > 0.05 {
			t.Errorf("got %g jobs a second on average, want %g within a twentieth", got, rate)
		}
	}
	one := []float64{0, 7, 20, 31}
	times, err := arrivals.Excerpt(seeded(1), one, 40, 0.1, 4) // exactly the trace's rate
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(times); i++ {
		if gap := times[i] - times[i-1]; !slices.ContainsFunc([]float64{7, 13, 11, 9}, func(of float64) bool { return math.Abs(of-gap) < 1e-9 }) {
			t.Errorf("a gap of %g s is not in the trace", gap)
		}
	}
	for want, err := range map[string]error{
		"last longer than the trace of 40 s": excerptError(one, 40, 0.1, 5),
		"at least one job":                   excerptError(one, 40, 0.1, 0),
		"with arrivals":                      excerptError(nil, 40, 0.1, 1),
		"more than the 10000000":             excerptError(one, 40, 1e9, 1),
		"a rate must be":                     excerptError(one, 40, 0, 1),
		"is too short for the trace":         excerptError(one, 30, 0.1, 1),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func excerptError(trace []float64, period, rate float64, jobs int) error {
	_, err := arrivals.Excerpt(seeded(1), trace, period, rate, jobs)
	return err
}

func TestPoissonJobs(t *testing.T) {
	times, err := arrivals.PoissonJobs(seeded(1), 4, 10_000)
	if err != nil || len(times) != 10_000 || !slices.IsSorted(times) || math.Abs(times[9999]-2500) > 4*25 { // four standard deviations
		t.Errorf("10,000 at 4 a second: %d arrivals, %v", len(times), err)
	}
	if _, err := arrivals.PoissonJobs(seeded(1), 4, 0); err == nil {
		t.Error("zero jobs were accepted")
	}
}

package arrivals_test

import (
	"math"
	"slices"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
)

// The trace's statistics over its 23 days, and the allowed deviation of the mean of many synthetic
// patterns.
func TestImagesHasTheTracesStatistics(t *testing.T) {
	const days, seeds = 23, 30
	var all []arrivals.Description
	for seed := range uint64(seeds) {
		times, err := arrivals.Images(seeded(seed), arrivals.ImagesPerHour, days)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(times) {
			t.Fatal("arrivals are not sorted")
		}
		all = append(all, arrivals.Describe(times, days*86400))
	}
	for _, c := range []struct {
		name             string
		of               func(arrivals.Description) float64
		trace, tolerance float64
	}{
		{"jobs an hour", func(d arrivals.Description) float64 { return d.PerHour }, 48.5, 0.03},
		{"dispersion at 60 s", func(d arrivals.Description) float64 { return d.Dispersion60 }, 3.75, 0.15},
		{"dispersion at 600 s", func(d arrivals.Description) float64 { return d.Dispersion600 }, 27.4, 0.15},
		{"dispersion at an hour", func(d arrivals.Description) float64 { return d.Dispersion3600 }, 139.9, 0.15},
		{"busiest hour", func(d arrivals.Description) float64 { return d.PeakHour }, 9.2, 0.25},
		{"autocorrelation at 1 h", func(d arrivals.Description) float64 { return d.Autocorrelation1 }, 0.74, 0.15},
		{"autocorrelation at 24 h", func(d arrivals.Description) float64 { return d.Autocorrelation24 }, 0.69, 0.15},
		{"gaps over 300 s (not matched, near)", func(d arrivals.Description) float64 { return d.GapsOver300 }, 0.0203, 0.6},
		{"empty hours (not matched, near)", func(d arrivals.Description) float64 { return d.EmptyHours }, 0.328, 0.35},
	} {
		mean := 0.0
		for _, d := range all {
			mean += c.of(d) / seeds
		}
		t.Logf("%s: %.4g, in the trace %.4g", c.name, mean, c.trace)
		if !(math.Abs(mean/c.trace-1) <= c.tolerance) {
			t.Errorf("%s: got %.4g, want %.4g within %.0f%%", c.name, mean, c.trace, 100*c.tolerance)
		}
	}
}

func TestImagesScalesByRate(t *testing.T) {
	times, err := arrivals.Images(seeded(4), 10*arrivals.ImagesPerHour, 46)
	if err != nil {
		t.Fatal(err)
	}
	if d := arrivals.Describe(times, 46*86400); math.Abs(d.PerHour/485-1) > 0.1 {
		t.Errorf("got %g jobs an hour, want 485 within a tenth", d.PerHour)
	}
}

func TestDescribe(t *testing.T) {
	times, err := arrivals.Steady(0.1, 48*3600)
	if err != nil {
		t.Fatal(err)
	}
	d := arrivals.Describe(times, 48*3600)
	if d.Jobs != 17280 || d.PerHour != 360 || d.PeakHour != 1 || d.Dispersion3600 != 0 || d.EmptyHours != 0 || d.GapsOver300 != 0 {
		t.Errorf("of steady arrivals: got %+v", d)
	}
	if none := arrivals.Describe(nil, 10); none != (arrivals.Description{}) {
		t.Errorf("of no arrivals: got %+v", none)
	}
}

package measurement_test

import (
	"slices"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// The billed time counts for a function, and the time in the handler for a worker on the whole
// machine. Failed jobs are ignored, and a start is the time of a cold picture beyond the mean of
// warm ones.
func TestTimes(t *testing.T) {
	jobs := []measurement.Job{
		{Cold: true, Start: 1, Handler: 3, Billed: 4.25},
		{Handler: 1, Billed: 1.5}, {Handler: 2, Billed: 2.5}, {Handler: 9, Billed: 9, Failed: "why"},
	}
	for memory, want := range map[int][][]float64{1769: {{1.5, 2.5}, {2.25}}, 0: {{1, 2}, {2.5}}} {
		v := measurement.Variant{MemoryMB: memory, PeriodMS: min(20, memory)}
		r := measurement.Run{Header: measurement.Header{Variant: v}, Jobs: jobs}
		if warm, start := r.Times(); !slices.Equal(warm, want[0]) || !slices.Equal(start, want[1]) {
			t.Errorf("%d MB: got %v and %v, want %v", memory, warm, start, want)
		}
		r.Jobs = jobs[:1]
		if warm, start := r.Times(); warm != nil || start != nil {
			t.Errorf("without a warm picture: %v and %v", warm, start)
		}
	}
}

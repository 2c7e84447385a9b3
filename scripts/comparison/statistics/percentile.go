// Package statistics computes figures with intervals from the runs of an experiment.
//
// The unit is the run, for which the system is restarted, instead of the job: jobs of one run share
// a warm cache, a processor and the machine's other load, and intervals that treat them as
// independent would be far too narrow. Each run counts with one percentile, and intervals are
// computed from the spread of that percentile between runs.
package statistics

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// The minimum number of jobs in a run, so that its percentiles are estimated from more than a few
// of them: MinimumJobsP99 for percentiles above the 95th, otherwise MinimumJobs.
const (
	MinimumJobs    = 200
	MinimumJobsP99 = 1000
)

// Percentile returns the p-th percentile of a run's values, 0 < p <= 100: the smallest value such
// that at least p% of the values are not greater. It is always one of the values (the inverse of
// the empirical distribution function, type 1 of Hyndman and Fan 1996); nothing is interpolated or
// left out. The values may be in any order.
//
// Too few values are an error; see [MinimumJobs].
func Percentile(values []float64, p float64) (float64, error) {
	if !(p > 0 && p <= 100) {
		return 0, fmt.Errorf("a percentile must be above 0 and at most 100, not %g", p)
	}
	minimum := MinimumJobs
	if p > 95 {
		minimum = MinimumJobsP99
	}
	if len(values) < minimum {
		return 0, fmt.Errorf("p%g needs a run of %d jobs or more, not %d", p, minimum, len(values))
	}
	if slices.ContainsFunc(values, math.IsNaN) {
		return 0, fmt.Errorf("p%g of values that are not numbers", p)
	}
	return stat.Quantile(p/100, stat.Empirical, slices.Sorted(slices.Values(values)), nil), nil
}

// Mean returns the arithmetic mean; NaN if there are no values.
func Mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// Package statistics turns the runs of an experiment into figures with intervals.
//
// The unit is the run, in which the system has been restarted, and not the job: jobs of
// one run share a warm cache, a processor and a neighbour, and taking them as independent
// would make intervals far too narrow. Of each run one percentile counts, and intervals
// come from the spread of that percentile between runs.
package statistics

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Jobs a run must have, so that its percentiles are estimated from more than a few of them:
// MinimumJobsP99 for percentiles above the 95th, else MinimumJobs.
const (
	MinimumJobs    = 200
	MinimumJobsP99 = 1000
)

// Percentile returns the p-th percentile of a run's values, 0 < p <= 100: the smallest value
// that at least p% of the values are no greater than. It is always one of the values (the
// inverse of the empirical distribution function, type 1 of Hyndman and Fan 1996); nothing
// is interpolated, and nothing is left out. The values may be in any order.
//
// It is an error to ask it of too few values; see [MinimumJobs].
func Percentile(values []float64, p float64) (float64, error) {
	if !(p > 0 && p <= 100) {
		return 0, fmt.Errorf("a percentile is above 0 and at most 100, not %g", p)
	}
	minimum := MinimumJobs
	if p > 95 {
		minimum = MinimumJobsP99
	}
	if len(values) < minimum {
		return 0, fmt.Errorf("p%g needs a run of %d jobs or more, not %d", p, minimum, len(values))
	}
	if slices.ContainsFunc(values, math.IsNaN) {
		return 0, fmt.Errorf("p%g of values that are no numbers", p)
	}
	return stat.Quantile(p/100, stat.Empirical, slices.Sorted(slices.Values(values)), nil), nil
}

package statistics

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// A Resampled is a derived figure, such as a crossover of two bills, with its interval.
type Resampled struct {
	Interval
	// Undefined is the share of resamples, 0 to 1, in which the figure did not exist, such as the
	// crossing of bills that do not cross. The interval is that of the others.
	Undefined float64
}

// Resample returns the bootstrap interval of a figure that is computed from the runs of several
// variants. runs has the number of runs of each variant. For each resample, as many runs of each
// variant as there are are drawn with replacement, and figure is called with their indices, by
// variant, so that all measurements of a run stay together. figure returns NaN if the figure does
// not exist. The estimate is the figure of the original runs.
//
// The interval is between percentiles of the resamples. For few runs these are moved outwards, to
// where Student's distribution would have them for the variant with the fewest runs (expanded
// percentile interval, Hesterberg 2015): plain percentiles of ten runs contain the true value in
// 90% of cases instead of 95%.
func Resample(random *rand.Rand, runs []int, resamples int, confidence float64, figure func(chosen [][]int) float64) (Resampled, error) {
	if err := confidenceError(confidence); err != nil {
		return Resampled{}, err
	}
	if len(runs) == 0 || slices.Min(runs) < 2 {
		return Resampled{}, fmt.Errorf("resampling needs two runs or more of each variant, not %v", runs)
	}
	if resamples < 100 {
		return Resampled{}, fmt.Errorf("an interval needs 100 resamples or more, not %d", resamples)
	}
	chosen := make([][]int, len(runs))
	for v, n := range runs {
		chosen[v] = make([]int, n)
		for i := range n {
			chosen[v][i] = i
		}
	}
	r := Resampled{Interval: Interval{Estimate: figure(chosen), Confidence: confidence, Runs: slices.Min(runs)}}
	figures := make([]float64, 0, resamples)
	for range resamples {
		for v, n := range runs {
			for i := range n {
				chosen[v][i] = random.IntN(n)
			}
		}
		if f := figure(chosen); !math.IsNaN(f) {
			figures = append(figures, f)
		}
	}
	r.Undefined = 1 - float64(len(figures))/float64(resamples)
	r.Low, r.High = math.NaN(), math.NaN()
	if len(figures) > 0 {
		n := float64(slices.Min(runs))
		tail := distuv.UnitNormal.CDF(-math.Sqrt(n/(n-1)) * quantileT(confidence, n))
		slices.Sort(figures)
		r.Low = stat.Quantile(tail, stat.Empirical, figures, nil)
		r.High = stat.Quantile(1-tail, stat.Empirical, figures, nil)
	}
	return r, nil
}

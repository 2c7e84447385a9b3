package measurement

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
)

// The patterns of arrivals that a variant can name; see package arrivals.
const (
	Steady    = "steady"
	Poisson   = "poisson"
	Bursts    = "bursts"    // of ten jobs, at ten times the rate, each after a silence
	Synthetic = "synthetic" // an excerpt of what has the statistics of a trace of image jobs
	Recorded  = "recorded"  // an excerpt of a [Trace]
)

// burst is how many jobs a burst has, and how much faster they come than on average.
const burst = 10

// arrivals returns the times at which the jobs are sent, in seconds since the load began. Those of
// [Recorded] are of a [Trace].
func (v Variant) arrivals(chance *rand.Rand) (times []float64, err error) {
	if v.Rate <= 0 || math.IsInf(v.Rate, 0) || v.Jobs < 1 {
		return nil, fmt.Errorf("%s: %d jobs at %g a second can't be sent", v.Name(), v.Jobs, v.Rate)
	}
	switch v.Pattern {
	case Steady:
		times, err = arrivals.Steady(v.Rate, float64(v.Jobs)/v.Rate)
	case Poisson:
		times, err = arrivals.PoissonJobs(chance, v.Rate, v.Jobs)
	case Bursts:
		took := float64(burst-1) / (burst * v.Rate)
		times, err = arrivals.Bursts{Silence: burst/v.Rate - took, Jobs: burst, Rate: burst * v.Rate, Count: (v.Jobs + burst - 1) / burst}.Times()
	case Synthetic:
		const period = arrivals.ImagesDays * 24 * 3600
		if times, err = arrivals.Images(chance, arrivals.ImagesPerHour, arrivals.ImagesDays); err == nil {
			times, err = arrivals.Excerpt(chance, times, period, v.Rate, v.Jobs)
		}
	case Recorded:
		err = fmt.Errorf("its arrivals are in the file with the SHA-256 %s alone: pass it by --trace", v.Trace)
	default:
		return nil, fmt.Errorf("there is no pattern %q", v.Pattern)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.Name(), err)
	}
	return times[:v.Jobs], nil // rounding, or the last burst, may have made more
}

package measurement

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
)

// The patterns of arrivals; see package arrivals.
const (
	Steady    = "steady"
	Poisson   = "poisson"
	Bursts    = "bursts"    // of 20 jobs, at five times the rate, each after a silence
	Synthetic = "synthetic" // an excerpt of [arrivals.Images]
	Recorded  = "recorded"  // an excerpt of a [Trace]
)

const (
	// Burst is the number of jobs in a burst of [Bursts].
	Burst     = 20
	burstRate = 5 // their rate relative to the mean
)

// arrivals returns the times at which the jobs are sent, in seconds since the load began. For
// [Recorded] see [Trace].
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
		took := (Burst - 1) / (burstRate * v.Rate)
		times, err = arrivals.Bursts{Silence: Burst/v.Rate - took, Jobs: Burst, Rate: burstRate * v.Rate, Count: (v.Jobs + Burst - 1) / Burst}.Times()
	case Synthetic:
		const period = arrivals.ImagesDays * 24 * 3600
		if times, err = arrivals.Images(chance, arrivals.ImagesPerHour, arrivals.ImagesDays); err == nil {
			times, err = arrivals.Excerpt(chance, times, period, v.Rate, v.Jobs)
		}
	case Recorded:
		err = fmt.Errorf("its arrivals are only in the file with the SHA-256 %s: pass it with --trace", v.Trace)
	default:
		return nil, fmt.Errorf("there is no pattern %q", v.Pattern)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v.Name(), err)
	}
	return times[:v.Jobs], nil // rounding or the last burst may have added more
}

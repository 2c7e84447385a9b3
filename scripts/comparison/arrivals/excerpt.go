package arrivals

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Period returns the length in seconds with which a trace is repeated: until its last arrival plus
// one mean gap or, for a trace of more than a day, until the end of its last day. A trace whose
// jobs all arrive at once has no rate and is an error.
func Period(trace []float64) (float64, error) {
	n := len(trace)
	if n < 2 || !(trace[n-1] > 0) {
		return 0, fmt.Errorf("all jobs of the trace arrive at the same time, so it has no rate: a trace needs at least two different times")
	}
	last := trace[n-1]
	period := last + last/float64(n-1)
	if last > secondsPerDay {
		period = math.Ceil(period/secondsPerDay) * secondsPerDay
	}
	return period, nil
}

// Excerpt returns a number of consecutive arrivals of a trace. The trace is superposed until it has
// at least rate jobs a second on average (see [Superpose]), and jobs are left out at random if it
// has more; time is neither compressed nor stretched. Each arrival is the first with the same
// probability, and the first is at 0: the mean gap over many excerpts is 1/rate.
func Excerpt(random *rand.Rand, trace []float64, period, rate float64, jobs int) ([]float64, error) {
	if err := check(rate, period, rate*period); err != nil {
		return nil, err
	}
	if jobs < 1 || len(trace) == 0 {
		return nil, fmt.Errorf("an excerpt needs at least one job and a trace with arrivals, not %d of %d", jobs, len(trace))
	}
	copies := math.Ceil(rate * period / float64(len(trace)))
	all, err := Superpose(random, trace, int(copies), period)
	if err != nil {
		return nil, err
	}
	share := rate * period / float64(len(all))
	kept := all[:0]
	for _, t := range all {
		if random.Float64() < share {
			kept = append(kept, t)
		}
	}
	if len(kept) < jobs {
		return nil, fmt.Errorf("%d jobs at %g a second last longer than the trace of %.3g s: use a longer trace", jobs, rate, period)
	}
	begin := random.IntN(len(kept))
	times := make([]float64, jobs)
	for i := range times {
		at := begin + i
		times[i] = kept[at%len(kept)] - kept[begin]
		if at >= len(kept) {
			times[i] += period
		}
	}
	return times, nil
}

package arrivals

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Period returns the seconds around which a trace is closed to a circle: to its last arrival
// and one mean gap more, or, of a trace of more than a day, to the end of its last day. A trace
// whose jobs all arrive at once has no rate and is refused.
func Period(trace []float64) (float64, error) {
	n := len(trace)
	if n < 2 || !(trace[n-1] > 0) {
		return 0, fmt.Errorf("all jobs of the trace arrive at the same time, which is no rate: a trace needs two times at least")
	}
	last := trace[n-1]
	period := last + last/float64(n-1)
	if last > secondsPerDay {
		period = math.Ceil(period/secondsPerDay) * secondsPerDay
	}
	return period, nil
}

// Excerpt returns so many consecutive arrivals of a trace that is superposed until it has at
// least rate jobs a second on average (see [Superpose]), and of which jobs are left out at
// random where it has more; time is neither compressed nor stretched. The first is any arrival
// with the same probability, and is at 0: the mean gap over many excerpts is 1/rate.
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
		return nil, fmt.Errorf("%d jobs at %g a second last longer than the trace of %.3g s: give a longer trace", jobs, rate, period)
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

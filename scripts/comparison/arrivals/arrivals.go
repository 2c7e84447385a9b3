// Package arrivals generates and reads the times at which jobs arrive: at a steady rate, at random,
// in bursts after silence, from a recorded trace, and in a synthetic pattern with statistics similar
// to those of a recorded trace of image jobs ([Images]).
//
// All times are seconds since the beginning of the pattern, sorted, zero or more. A pattern depends
// only on its parameters and on the random source that is passed in.
package arrivals

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// MaxArrivals is the maximum number of arrivals in a pattern or trace, which is 80 MB of memory.
const MaxArrivals = 10_000_000

// Steady returns arrivals at equal distances, the first at 0, during duration seconds at rate a
// second.
func Steady(rate, duration float64) ([]float64, error) {
	if err := check(rate, duration, rate*duration); err != nil {
		return nil, err
	}
	times := make([]float64, int(math.Ceil(rate*duration)))
	for i := range times {
		times[i] = float64(i) / rate
	}
	return times, nil
}

// Poisson returns the arrivals of a Poisson process with the given rate a second during duration
// seconds. There may be none.
func Poisson(random *rand.Rand, rate, duration float64) ([]float64, error) {
	if err := check(rate, duration, rate*duration); err != nil {
		return nil, err
	}
	return poisson(random, nil, rate, 0, duration), nil
}

// PoissonJobs returns the first arrivals, jobs in number, of a Poisson process with the given rate
// a second.
func PoissonJobs(random *rand.Rand, rate float64, jobs int) ([]float64, error) {
	if jobs < 1 {
		return nil, fmt.Errorf("a pattern needs at least one job, not %d", jobs)
	}
	if err := check(rate, 1, float64(jobs)); err != nil {
		return nil, err
	}
	times := make([]float64, jobs)
	at := 0.0
	for i := range times {
		at += random.ExpFloat64() / rate
		times[i] = at
	}
	return times, nil
}

// Bursts are groups of Jobs arrivals at Rate a second. Each group begins Silence seconds after the
// last arrival of the previous one. The pattern begins with a silence, because its purpose is a
// burst that finds no running worker.
type Bursts struct {
	Silence float64 // seconds, positive
	Jobs    int     // in each burst, 1 or more
	Rate    float64 // arrivals a second within a burst
	Count   int     // number of bursts, 1 or more
}

// Times returns the arrivals.
func (b Bursts) Times() ([]float64, error) {
	if b.Jobs < 1 || b.Count < 1 {
		return nil, fmt.Errorf("bursts need at least one job and one burst, not %d and %d", b.Jobs, b.Count)
	}
	if err := check(b.Rate, b.Silence, float64(b.Jobs)*float64(b.Count)); err != nil {
		return nil, err
	}
	times := make([]float64, 0, b.Jobs*b.Count)
	last := 0.0
	for range b.Count {
		began := last + b.Silence
		for i := range b.Jobs {
			last = began + float64(i)/b.Rate
			times = append(times, last)
		}
	}
	return times, nil
}

// Superpose returns the arrivals of several independent copies of a trace, for a load that is
// several times as high. Each copy is shifted by a random time around a circle of period seconds,
// so that the copies' peaks do not coincide systematically and each copy keeps its burstiness; time
// is never compressed. period is the length of the trace, and must be greater than its last
// arrival.
func Superpose(random *rand.Rand, trace []float64, copies int, period float64) ([]float64, error) {
	switch {
	case copies < 1:
		return nil, fmt.Errorf("superposing needs at least one copy, not %d", copies)
	case len(trace) == 0:
		return nil, fmt.Errorf("a trace without arrivals cannot be superposed")
	case !(period > trace[len(trace)-1]) || math.IsInf(period, 0):
		return nil, fmt.Errorf("a period of %g s is too short for the trace, whose last arrival is at %g s", period, trace[len(trace)-1])
	case len(trace) > MaxArrivals/copies:
		return nil, tooMany(float64(len(trace)) * float64(copies))
	}
	times := make([]float64, 0, len(trace)*copies)
	for range copies {
		shift := random.Float64() * period
		for _, t := range trace {
			times = append(times, math.Mod(t+shift, period))
		}
	}
	slices.Sort(times)
	return times, nil
}

// poisson appends the arrivals of a Poisson process between begin and end, without end.
func poisson(random *rand.Rand, times []float64, rate, begin, end float64) []float64 {
	if rate <= 0 {
		return times
	}
	for t := begin + random.ExpFloat64()/rate; t < end; t += random.ExpFloat64() / rate {
		times = append(times, t)
	}
	return times
}

func check(rate, duration, expected float64) error {
	switch {
	case !(rate > 0) || math.IsInf(rate, 0):
		return fmt.Errorf("a rate must be a positive number of jobs a second, not %g", rate)
	case !(duration > 0) || math.IsInf(duration, 0):
		return fmt.Errorf("a time must be a positive number of seconds, not %g", duration)
	case expected > MaxArrivals:
		return tooMany(expected)
	}
	return nil
}

func tooMany(n float64) error {
	return fmt.Errorf("%.0f arrivals are more than the %d that a pattern may have; use a shorter time or a lower rate", n, MaxArrivals)
}

package plan

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"sort"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// A Load describes when pictures are submitted: a number a day in a pattern, or as in a trace.
type Load struct {
	JobsPerDay float64
	Pattern    string // one of [Patterns]; "" with a trace
	Trace      string // name of a CSV file with a column arrival_s; see package arrivals
}

// The patterns.
const (
	Steady  = "steady"
	Poisson = "poisson"
	Bursts  = "bursts"  // each hour's jobs together
	Daily   = "daily"   // like published image jobs: varies by hour, by day and at random
	Nightly = "nightly" // each day's jobs together
)

// Patterns returns the names of the patterns.
func Patterns() []string { return []string{Steady, Poisson, Bursts, Daily, Nightly} }

const (
	day = 86400.0
	// sampleJobs is the maximum number of simulated jobs, if whole days, hours or silences allow.
	sampleJobs = 30_000
	// Submissions a second in a burst, which the template's API allows (ApiRate).
	submissions = 50.0
	most        = 1e6 // jobs a day
	// Enough jobs to estimate a 95th percentile (statistics.MinimumJobs), with a margin for chance.
	enough = 320
)

func (l Load) String() string {
	if l.Trace != "" {
		return "trace " + l.Trace
	}
	return fmt.Sprintf("%g a day, %s", l.JobsPerDay, l.Pattern)
}

// A sampled is the simulated part of a month.
type sampled struct {
	times    []float64
	duration float64
	perDay   float64 // jobs a day, for the whole month
}

// scale returns the number of such parts in a month.
func (s sampled) scale() float64 { return cost.Seconds / s.duration }

// active returns the hours of a month with jobs.
func (s sampled) active() float64 {
	return min(cost.Hours, arrivals.HoursWithJobs(s.times)*s.scale())
}

func (l Load) sample(seed uint64) (sampled, Part, error) {
	var s sampled
	var err error
	if l.Trace != "" {
		s, err = l.recorded()
	} else {
		s, err = l.made(rand.New(rand.NewPCG(seed, 3)))
	}
	if err != nil {
		return s, Part{}, err
	}
	note := fmt.Sprintf("%d jobs within %.4g d are simulated and represent the whole month", len(s.times), s.duration/day)
	return s, Part{Days: s.duration / day, Jobs: len(s.times), Note: note}, nil
}

func (l Load) made(random *rand.Rand) (sampled, error) {
	n := l.JobsPerDay
	if !(n > 0) || n > most {
		return sampled{}, invalid("%g jobs a day: use a number above zero, and up to %.0f", n, most)
	}
	days := math.Max(1, math.Min(28, math.Floor(sampleJobs/n)))
	if n*days < enough {
		days = math.Ceil(enough / n)
	}
	if days >= 7 {
		days = math.Floor(days/7) * 7 // whole weeks
	}
	if days > 3650 {
		return sampled{}, invalid("%g jobs a day are too few to simulate: use 0.1 or more", n)
	}
	s := sampled{duration: days * day, perDay: n}
	if n > 8*sampleJobs && (l.Pattern == Steady || l.Pattern == Poisson || l.Pattern == Bursts) {
		s.duration = 3600 // all hours are the same
	}
	var err error
	switch l.Pattern {
	case Steady:
		s.times, err = arrivals.Steady(n/day, s.duration)
	case Poisson:
		s.times, err = arrivals.Poisson(random, n/day, s.duration)
	case Bursts:
		s.times, err = groups(n/24, 3600, s.duration)
	case Nightly:
		s.times, err = groups(n, day, s.duration)
	case Daily:
		s.times, err = arrivals.Images(random, n/24, int(days))
	default:
		return s, invalid("the pattern %q is not one of %v", l.Pattern, Patterns())
	}
	if err != nil {
		return s, &InputError{err.Error()}
	}
	if len(s.times) < statistics.MinimumJobs {
		return s, invalid("%g jobs a day are only %d in the %g simulated days: use more jobs or another pattern", n, len(s.times), days)
	}
	return s, nil
}

// groups returns jobs that arrive together at the end of each period.
func groups(jobs, period, duration float64) ([]float64, error) {
	if jobs < 1 {
		return nil, fmt.Errorf("%.3g jobs every %.0f h make no burst: use more jobs or another pattern", jobs, period/3600)
	}
	each := int(math.Round(jobs))
	rate := max(submissions, float64(each)/(period/4))
	took := float64(each-1) / rate
	b := arrivals.Bursts{Jobs: each, Rate: rate, Count: max(1, int(duration/period)), Silence: period - took}
	times, err := b.Times()
	if err != nil {
		return nil, err
	}
	for i := range times {
		times[i] -= period / 2 // so that a group's work ends within its period
	}
	return times, nil
}

// recorded returns a trace, or its first days if it is long.
func (l Load) recorded() (sampled, error) {
	if l.Pattern != "" || l.JobsPerDay != 0 {
		return sampled{}, invalid("a trace has its own number of jobs and pattern: use it without jobs a day and a pattern")
	}
	times, err := arrivals.ReadFile(l.Trace)
	if errors.Is(err, fs.ErrNotExist) {
		return sampled{}, invalid("there is no trace %s", l.Trace)
	}
	if err != nil {
		return sampled{}, &InputError{err.Error()}
	}
	n := len(times)
	if n < 2 || times[n-1] == 0 || len(times) > 4*sampleJobs && times[4*sampleJobs] == 0 {
		return sampled{}, invalid("%s: all of its jobs arrive at the same time, so it has no rate: a trace needs at least two different times", l.Trace)
	}
	s := sampled{times: times}
	if s.duration, err = arrivals.Period(times); err != nil {
		return s, &InputError{err.Error()}
	}
	s.perDay = float64(n) / s.duration * day
	if n < statistics.MinimumJobs {
		return s.repeated(1 + statistics.MinimumJobs/n), nil
	}
	if n > 4*sampleJobs {
		return s.begun(4 * sampleJobs), nil
	}
	return s, nil
}

// begun returns the beginning with at most jobs arrivals: whole days of it, or whole hours, if it
// is that long.
func (s sampled) begun(jobs int) sampled {
	end := s.times[jobs]
	for _, unit := range []float64{day, 3600} {
		if whole := math.Floor(end/unit) * unit; whole > 0 && sort.SearchFloat64s(s.times, whole) >= statistics.MinimumJobs {
			end = whole
			break
		}
	}
	s.times = s.times[:sort.SearchFloat64s(s.times, end)]
	s.duration = end
	s.perDay = float64(len(s.times)) / end * day
	return s
}

// repeated returns the sample repeated a number of times.
func (s sampled) repeated(copies int) sampled {
	all := sampled{duration: s.duration * float64(copies), perDay: s.perDay}
	for c := range copies {
		for _, t := range s.times {
			all.times = append(all.times, t+s.duration*float64(c))
		}
	}
	return all
}

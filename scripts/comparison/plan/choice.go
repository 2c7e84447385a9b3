package plan

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

const (
	resamples  = 1000
	confidence = 0.95
	cent       = 0.01 // dollars; smaller differences are ignored
)

// summarise sets a candidate's figures from its outcomes.
func (e *evaluation) summarise(s *study) error {
	o := s.outcomes[base]
	s.bill = o.bill
	s.Fixed, s.ByUse, s.Compute = o.bill.Fixed(cost.Whole), o.bill.ByUse(cost.Whole), o.bill.USD(cost.Compute)
	s.ColdShare, s.Busy = o.coldShare, o.busy
	s.CostBasis, s.TimesBasis = o.bill.Basis().String(), cost.Simulated.String()
	s.Command = s.command(e.request.Prices.Region)
	for _, f := range []struct {
		to *Bound
		of func(outcome) float64
	}{
		{&s.USD, func(o outcome) float64 { return o.usd }},
		{&s.P50, func(o outcome) float64 { return o.p50 }},
		{&s.Latency, func(o outcome) float64 { return o.p95 }},
	} {
		b := bands(s.outcomes, f.of)
		low, high, err := e.spread(f.of, s)
		if err != nil {
			return err
		}
		*f.to = Bound{b.Estimate, max(0, b.Low+low), b.High + high}
	}
	s.Meets = Uncertain
	switch keepsUp := s.keepUp(); {
	case s.Latency.High <= e.request.P95 && keepsUp:
		s.Meets = Yes
	case s.Latency.Estimate > e.request.P95 || !o.keepsUp:
		s.Meets = No
	}
	return nil
}

// keepUp returns whether a candidate finishes the jobs as fast as they arrive, in all scenarios.
func (s *study) keepUp() bool {
	for _, o := range s.outcomes {
		if !o.keepsUp {
			return false
		}
	}
	return true
}

// bands returns a figure with its range over the scenarios.
func bands(outcomes map[scenario]outcome, figure func(outcome) float64) Bound {
	b := Bound{figure(outcomes[base]), math.Inf(1), math.Inf(-1)}
	for _, o := range outcomes {
		b.Low, b.High = min(b.Low, figure(o)), max(b.High, figure(o))
	}
	return b
}

// spread returns the ends of the 95% interval of a figure because runs differ, relative to its
// estimate; both are zero if there are fewer than two runs. With two candidates, the figure is that of
// the first minus that of the second. Candidates with the same engine and processors share the
// resampled runs.
func (e *evaluation) spread(figure func(outcome) float64, studies ...*study) (low, high float64, err error) {
	var runs []int
	drawn := make([]int, len(studies)) // for each candidate, the index of its runs
	for i, s := range studies {
		if s.resampled() == 0 {
			return 0, 0, nil
		}
		drawn[i] = i
		if i > 0 && s.environment == studies[0].environment {
			drawn[i] = 0
			continue
		}
		runs = append(runs, len(s.runs))
	}
	random := rand.New(rand.NewPCG(e.request.Seed, 4))
	r, err := statistics.Resample(random, runs, resamples, confidence, func(chosen [][]int) float64 {
		total, sign := 0.0, 1.0
		for i, s := range studies {
			sum := 0.0
			for _, run := range chosen[drawn[i]] {
				sum += figure(s.runs[run])
			}
			total += sign * sum / float64(len(s.runs))
			sign = -1
		}
		return total
	})
	if err != nil {
		return 0, 0, err
	}
	return r.Low - r.Estimate, r.High - r.Estimate, nil
}

// mayCostLess returns whether the interval of the cost of s minus the cost of best includes values of
// zero or less. Two functions, or two kinds of instances, are in the same scenario; scenarios of
// functions and instances are independent.
func (e *evaluation) mayCostLess(s, best *study) (bool, error) {
	least := math.Inf(1)
	for a, o := range s.outcomes {
		for b, p := range best.outcomes {
			if (s.Kind == Function) != (best.Kind == Function) || a == b {
				least = min(least, o.usd-p.usd)
			}
		}
	}
	low, _, err := e.spread(func(o outcome) float64 { return o.usd }, s, best)
	return least+low <= 0, err
}

// choose returns the cheapest candidate that is fast enough and deployable. studies are sorted.
func (e *evaluation) choose(studies []*study) (Choice, error) {
	c := Choice{TooClose: []string{}}
	able := slices.DeleteFunc(slices.Clone(studies), func(s *study) bool { return s.Hypothetical || s.Meets == No })
	if len(able) == 0 {
		fastest := slices.MinFunc(studies, func(a, b *study) int {
			if a.Latency.Estimate < b.Latency.Estimate {
				return -1
			}
			return 1
		})
		c.Why = fmt.Sprintf("No candidate finishes 95%% of the pictures within %g s; the fastest is %s with %.3g s. Use a higher --p95 or smaller pictures.",
			e.request.P95, fastest.Name, fastest.Latency.Estimate)
		return c, nil
	}
	best := able[0]
	c.Best = best.Name
	if i := slices.IndexFunc(able, func(s *study) bool { return s.Command != "" }); i >= 0 {
		c.Deployable = able[i].Name
	}
	c.Why = fmt.Sprintf("%s costs %.2f $ a month", best.Name, best.USD.Estimate)
	if len(able) > 1 {
		c.NextBest = able[1].Name
		c.Why += "; " + e.because(best, able[1])
	}
	if other := slices.IndexFunc(able, func(s *study) bool { return s.Kind != best.Kind }); other > 1 {
		c.Why += "; " + e.because(best, able[other])
	}
	alike := slices.DeleteFunc(slices.Clone(able[1:]), func(s *study) bool { return s.Meets != best.Meets })
	if i := slices.IndexFunc(able, func(s *study) bool { return s.Meets != best.Meets }); i > 1 && able[i].USD.Estimate < best.USD.Estimate-cent {
		c.Why += "; " + e.because(best, able[i])
	}
	c.Why += "."
	if best.Meets == Uncertain {
		c.Why += " No candidate is certain to be fast enough: this one is if AWS's processors are not slower than the measured ones."
	}
	for _, s := range alike {
		less, err := e.mayCostLess(s, best)
		if err != nil {
			return c, err
		}
		if less {
			c.TooClose = append(c.TooClose, s.Name)
		}
	}
	return c, nil
}

// because describes the additional cost of another candidate and its largest part.
func (e *evaluation) because(best, other *study) string {
	byPart := map[string]float64{}
	for _, r := range other.bill.Rows {
		byPart[r.Part] += r.USD
	}
	for _, r := range best.bill.Rows {
		byPart[r.Part] -= r.USD
	}
	more := other.USD.Estimate - best.USD.Estimate
	if math.Abs(more) < cent {
		return fmt.Sprintf("%s costs as much", other.Name)
	}
	if more < 0 { // it is not the best because of its latency
		return fmt.Sprintf("%s costs %.2f $ less, but may be too slow (95%% within %.3g to %.3g s)", other.Name, -more, other.Latency.Low, other.Latency.High)
	}
	part, largest := "", 0.0
	for _, r := range slices.Concat(other.bill.Rows, best.bill.Rows) { // in the bills' order, so that ties always have the same result
		if d := byPart[r.Part]; d > largest {
			part, largest = r.Part, d
		}
	}
	return fmt.Sprintf("%s costs %.2f $ more, mostly for %s (%.2f $ more)", other.Name, more, part, largest)
}

package statistics

import (
	"fmt"
	"slices"
)

// looks are the numbers of runs after which results may be examined and an experiment may be ended.
// Examining them after every run, and stopping as soon as the interval is narrow enough, would
// favour runs that agree by chance.
var looks = []int{10, 15, 20}

// Looks returns the numbers of runs after which results may be examined, ascending.
func Looks() []int { return slices.Clone(looks) }

// Goals for the relative half-width of a 95% interval.
const (
	GoalP50 = 0.05
	GoalP95 = 0.10
)

// A Verdict is the result of examining the runs made so far.
type Verdict int

// Verdicts.
const (
	More    Verdict = iota // more runs are needed, up to the next look
	Reached                // the interval is as narrow as required
	Wider                  // the interval is too wide after the last look, which the report has to state
)

func (v Verdict) String() string {
	switch v {
	case More:
		return "more runs are needed"
	case Reached:
		return "as narrow as required"
	case Wider:
		return "wider than required"
	}
	return fmt.Sprintf("Verdict(%d)", int(v))
}

// Look returns the interval of [Geometric] at 95% confidence for one value of each run, and whether
// its relative half-width is at most goal. Any number of runs other than 10, 15 and 20 is an error.
func Look(values []float64, goal float64) (Interval, Verdict, error) {
	at := slices.Index(looks, len(values))
	if at < 0 {
		return Interval{}, More, fmt.Errorf("results are examined after 10, 15 and 20 runs, not after %d", len(values))
	}
	if !(goal > 0) {
		return Interval{}, More, fmt.Errorf("the goal for a relative half-width must be positive, not %g", goal)
	}
	i, err := Geometric(values, 0.95)
	switch {
	case err != nil:
		return Interval{}, More, err
	case i.RelativeHalfWidth() <= goal:
		return i, Reached, nil
	case at == len(looks)-1:
		return i, Wider, nil
	}
	return i, More, nil
}

package report

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

func crossingTable() Table {
	return Table{
		Title: "Crossings: where functions cost the same (d*) or save 70% (d70)", Left: 3, Basis: cost.Assumed,
		Columns: []string{"Engine", "Comparison", "Level", "Duty", "95% interval of the duty", "Pictures a day", "With more pictures the saving", "Duty in the scenarios"},
		Notes: []string{
			"95% interval: from resampling the runs of the function and of the instance, if there are ten or more of each. It does not include how the share of cold starts depends on the runs, because that share is simulated with all of them.",
			fmt.Sprintf("Duty in the scenarios: the lowest and the highest duty of a crossing over all combinations of processor speed, keep-alive, two jobs at once and waits for EFS. Duties below %s and above %s are not examined; a range that extends beyond them ends in <%[1]s or >%[2]s.", exactPercent(lowestDuty), exactPercent(highestDuty)),
			"A dash: there is no crossing; or no interval, because there are too few runs or several crossings.",
			fmt.Sprintf("Compute only depends on measured times, on simulated shares of cold starts, and on the assumed wait for EFS of %s per picture, which can be more than half of the billed time. The whole bill also depends on assumed quantities of the other services.", exact(assumptions.StoreSeconds)+unit("s")),
		},
	}
}

// crossings returns the rows of a view.
func (w *worker) crossings(f *folder, v view, t *prices.Table, e effort) (rows [][]string, err error) {
	base := w.base(t, nil, nil)
	for _, l := range []struct {
		name  string
		level float64
	}{{"d*: the same", 0}, {"d70: 70% saved", claimed}} {
		found, err := v.compare(base).Crossings(l.level, v.scope, lowestDuty, highestDuty)
		if err != nil {
			return nil, err
		}
		low, high := math.Inf(1), math.Inf(-1)
		for _, s := range w.variations(t) {
			others, err := quickCrossings(v.compare(s), l.level, v.scope, lowestDuty, highestDuty)
			if err != nil {
				return nil, err
			}
			if len(others) == 0 && len(found) == 1 {
				x, err := v.outside(s, l.level, found[0].Rising)
				if err != nil {
					return nil, err
				}
				others = []float64{x}
			}
			for _, x := range others {
				low, high = min(low, x), max(high, x)
			}
		}
		head := []string{measurement.EngineName(w.function.variant.Engine), v.name, l.name}
		if len(found) == 0 {
			always, err := v.always(base, l.level)
			if err != nil {
				return nil, err
			}
			where := "is always below the level"
			if always {
				where = "is always above the level"
			}
			rows = append(rows, append(head, none, none, none, where, between(low, high)))
		}
		for _, x := range found {
			falls := "falls"
			if x.Rising {
				falls = "rises"
			}
			if x.Jump {
				falls += " in a step"
			}
			interval := none
			if len(found) == 1 { // with several, a resample's crossing cannot be assigned to one of them
				if interval, err = w.resampled(f, v, t, e, l.level, x); err != nil {
					return nil, err
				}
			}
			rows = append(rows, append(append([]string{}, head...), percent(x.Duty), interval, figure(perDay(x.Pictures)), falls, between(low, high)))
		}
	}
	return rows, nil
}

// always returns whether functions save more than level at every duty, if there is no crossing;
// else they always save less.
func (v view) always(s scenario, level float64) (bool, error) {
	middle, err := v.compare(s).Saving(math.Sqrt(lowestDuty*highestDuty), v.scope)
	return middle > level, err
}

// between formats a range of shares; a dash if it is empty.
func between(low, high float64) string {
	if low > high {
		return none
	}
	return dutyText(low) + " to " + dutyText(high)
}

// resampled returns the interval of a crossing from resampling the runs of function and instance.
func (w *worker) resampled(f *folder, v view, t *prices.Table, e effort, level float64, found cost.Crossing) (string, error) {
	runs := []int{len(w.function.runs), len(w.instance.runs)}
	if f.plan.Quick || e.resamples == 0 || min(runs[0], runs[1]) < 10 {
		return none, nil
	}
	var failed error
	r, err := statistics.Resample(random(f.plan.Seed), runs, e.resamples, 0.95, func(drawn [][]int) float64 {
		x, err := v.crossingNear(w.base(t, drawn[0], drawn[1]), level, found)
		failed = cmp.Or(failed, err)
		return x
	})
	return between(r.Low, r.High), cmp.Or(err, failed)
}

// crossingNear returns the duty of a scenario's crossing that is nearest to a given one, in
// logarithms, or the result of [view.outside].
func (v view) crossingNear(s scenario, level float64, x cost.Crossing) (float64, error) {
	for _, factor := range []float64{2, 16, highestDuty / lowestDuty} { // mostly the first suffices
		low, high := max(lowestDuty, x.Duty/factor), min(highestDuty, x.Duty*factor)
		found, err := quickCrossings(v.compare(s), level, v.scope, low, high)
		if err != nil {
			return 0, err
		}
		if len(found) > 0 {
			return slices.MinFunc(found, func(a, b float64) int {
				return cmp.Compare(math.Abs(math.Log(a/x.Duty)), math.Abs(math.Log(b/x.Duty)))
			}), nil
		}
	}
	return v.outside(s, level, x.Rising)
}

// outside returns on which side of the examined duties a scenario without a crossing has it: an
// infinite duty, or 0. rising is whether the saving rises at the crossing.
func (v view) outside(s scenario, level float64, rising bool) (float64, error) {
	higher, err := v.always(s, level)
	if higher == rising {
		return 0, err
	}
	return math.Inf(1), err
}

// dutyText formats a duty, which may be outside of the examined ones.
func dutyText(duty float64) string {
	switch {
	case duty == 0:
		return "<" + exactPercent(lowestDuty)
	case math.IsInf(duty, 1):
		return ">" + exactPercent(highestDuty)
	}
	return percent(duty)
}

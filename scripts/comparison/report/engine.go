package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// fewADay is the load, in pictures a day, by whose bills the report's engine is chosen. It is small
// because the claim is about few pictures.
const fewADay = 500.0

// computeUSD returns the monthly cost of functions' compute in dollars, at a number of pictures a
// day.
func (w *worker) computeUSD(t *prices.Table, perDay float64) (float64, error) {
	d, m := w.base(t, nil, nil).functions(perDay * cost.Hours / 24)
	bill, err := d.Bill(t, m)
	return bill.USD(cost.Compute), err
}

// sortByCompute puts the engine with the lowest compute cost at few pictures a day first, including
// cold starts with their reads.
func sortByCompute(workers []worker, t *prices.Table) (err error) {
	slices.SortStableFunc(workers, func(a, b worker) int {
		x, errA := a.computeUSD(t, fewADay)
		y, errB := b.computeUSD(t, fewADay)
		err = cmp.Or(err, errA, errB)
		return cmp.Compare(x, y)
	})
	return err
}

// engines describes which engine costs less in functions, at several loads, and where that changes.
func engines(workers []worker, t *prices.Table, found []finding) (string, error) {
	w := &workers[0]
	name := measurement.EngineName(w.function.variant.Engine)
	v := w.function.variant
	s := fmt.Sprintf("An engine is the library that computes the neural network. In functions, use %s: ", name)
	if len(workers) > 1 {
		loads := []float64{fewADay, 86_400}
		if turns := found[2].turns; len(turns) > 0 {
			loads = append(loads, perDay(turns[len(turns)-1].Pictures))
		}
		slices.Sort(loads)
		for i := range workers[1:] {
			o := &workers[1+i]
			var parts []string
			for _, load := range loads {
				a, err := w.computeUSD(t, load)
				if err != nil {
					return "", err
				}
				b, err := o.computeUSD(t, load)
				if err != nil {
					return "", err
				}
				parts = append(parts, fmt.Sprintf("at %s pictures a day, %s a month instead of %s", figure(load), usd(a), usd(b)))
			}
			less, err := w.lessThan(o, t)
			if err != nil {
				return "", err
			}
			s += fmt.Sprintf("compute costs less than with %s %s (%s). ", measurement.EngineName(o.function.variant.Engine), less, strings.Join(parts, "; "))
		}
	}
	s += fmt.Sprintf("A warm picture of %s px is billed %s, of which %s is the assumed wait for the shared file system, and a cold start, which is the start of the function's program, adds %s, at %s MB (threads: %d)",
		exact(float64(v.Size)), seconds(w.billedSeconds()), exact(assumptions.StoreSeconds)+unit("s"), seconds(w.coldSeconds()), exact(float64(v.MemoryMB)), v.Threads)
	for i := range workers[1:] {
		o := &workers[1+i]
		s += fmt.Sprintf("; with %s it is %s and %s, at %s MB", measurement.EngineName(o.function.variant.Engine), seconds(o.billedSeconds()), seconds(o.coldSeconds()), exact(float64(o.function.variant.MemoryMB)))
		if !apart(w, o) {
			s += " (it is not certain with which engine a warm picture is billed less, because the 95% intervals overlap or are missing)"
		}
	}
	return s + ".", nil
}

func (w *worker) billedSeconds() float64 { return w.warm(nil) + assumptions.StoreSeconds }

func (w *worker) coldSeconds() float64 { return w.start(nil) + assumptions.ReadSeconds(w.coldCalls) }

// lessThan describes at which numbers of pictures a day w's functions cost less than those of
// another engine.
func (w *worker) lessThan(o *worker, t *prices.Table) (string, error) {
	c := cost.Comparison{
		Functions: cost.Over(t, w.base(t, nil, nil).functions), Instances: cost.Over(t, o.base(t, nil, nil).functions),
		Capacity: w.capacity().shared,
	}
	found, err := c.Crossings(0, cost.Compute, lowestDuty, highestDuty)
	if err != nil {
		return "", err
	}
	low, err := c.Saving(lowestDuty, cost.Compute)
	return rangesInWords(low > 0, found, ""), err
}

// apart returns whether the intervals of the billed times of warm pictures do not overlap. Without
// intervals, which take ten runs, it returns false.
func apart(a, b *worker) bool {
	x, _, errX := statistics.Look(a.function.means(false, billed), statistics.GoalP50)
	y, _, errY := statistics.Look(b.function.means(false, billed), statistics.GoalP50)
	return errX == nil && errY == nil && (x.High < y.Low || y.High < x.Low)
}

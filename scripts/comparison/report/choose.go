package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// choice says what to choose, by rules from the bills alone, and draws these.
func choice(workers []worker, t *prices.Table) ([]string, *Chart, error) {
	if len(workers) == 0 {
		return []string{"The runs are too few for an advice. " + missingWorker}, nil, nil
	}
	w := &workers[0]
	s := w.base(t, nil, nil)
	lines := []struct {
		name  string
		shape func(float64) (cost.Deployment, cost.Month)
	}{{"functions", s.functions}, {"always-on instances", s.alwaysOn}, {"one machine", s.oneMachine}}
	chart := &Chart{
		Title:   "What a month costs, by pictures a day",
		Caption: fmt.Sprintf("The whole bill; the lowest line is the cheapest. %s, %d px, %s.", engineName(w.function.variant.Engine), w.function.variant.Size, t.Region),
		Basis:   cost.Assumed, X: "Pictures a day", Y: "Dollars a month", logX: true, logY: true, markersEvery: 4,
	}
	for _, l := range lines {
		series := Series{Name: l.name}
		for log := 1.0; log < 6.01; log += 0.125 {
			day := math.Pow(10, log)
			d, m := l.shape(day * cost.Hours / 24)
			bill, err := d.Bill(t, m)
			if err != nil {
				return nil, nil, err
			}
			series.X, series.Y = append(series.X, day), append(series.Y, bill.USD(cost.Whole))
		}
		chart.Series = append(chart.Series, series)
	}
	text := "This is about pictures of " + exact(float64(w.instance.variant.Size)) + " px that come at random and keep no more than one instance busy."
	for _, v := range []view{views[2], views[1], views[0]} {
		c := v.compare(s)
		zero, err := c.Crossings(0, v.scope, lowestDuty, highestDuty)
		if err != nil {
			return nil, nil, err
		}
		seventy, err := c.Crossings(0.7, v.scope, lowestDuty, highestDuty)
		if err != nil {
			return nil, nil, err
		}
		low, err := c.Saving(lowestDuty, v.scope)
		if err != nil {
			return nil, nil, err
		}
		text += fmt.Sprintf(" By %s, functions cost less %s, and save more than 70%% %s.", v.name, where(low > 0, zero), where(low > 0.7, seventy))
	}
	return []string{text + " Where they don't cost less, take the rival.", engines(workers),
		"Bills rest on assumed quantities of storage and requests, and on this machine's processors: the bands under Saving against duty say how far off functions' speed may put them."}, chart, nil
}

// engines says which engine is the cheapest in functions.
func engines(workers []worker) string {
	w := &workers[0]
	s := fmt.Sprintf("In functions take %s: a warm picture of %d px is billed %s, and a cold start adds %s, at %d MB (threads: %d)",
		engineName(w.function.variant.Engine), w.function.variant.Size, seconds(w.warm(nil)), seconds(w.start(nil)), w.function.variant.MemoryMB, w.function.variant.Threads)
	for _, o := range workers[1:] {
		s += fmt.Sprintf("; with %s it is %s and %s", engineName(o.function.variant.Engine), seconds(o.warm(nil)), seconds(o.start(nil)))
		if !apart(w, &o) {
			s += " (too close to call)"
		}
	}
	return s + "."
}

// where says between which duties something holds that holds at the lowest one, or does not, and
// changes at each crossing.
func where(holds bool, crossings []cost.Crossing) string {
	if len(crossings) == 0 {
		if holds {
			return fmt.Sprintf("at every duty from %s to %s", exactPercent(lowestDuty), exactPercent(highestDuty))
		}
		return "at no duty"
	}
	var parts []string
	from := math.NaN()
	if holds {
		from = 0
	}
	for _, x := range crossings {
		if x.Rising {
			from = x.Duty
			continue
		}
		at := fmt.Sprintf("%s (%s pictures a day)", percent(x.Duty), figure(x.Pictures*24/cost.Hours))
		if from > 0 {
			parts = append(parts, fmt.Sprintf("between a duty of %s and %s", percent(from), at))
		} else {
			parts = append(parts, "below a duty of "+at)
		}
		from = math.NaN()
	}
	if from > 0 {
		parts = append(parts, "above a duty of "+percent(from))
	}
	return strings.Join(parts, ", and ")
}

// apart is whether the billed times of warm pictures differ by more than their intervals, which there
// are of ten runs and more.
func apart(a, b *worker) bool {
	x, _, errX := statistics.Look(a.function.means(false, billed), statistics.GoalP50)
	y, _, errY := statistics.Look(b.function.means(false, billed), statistics.GoalP50)
	return errX == nil && errY == nil && (x.High < y.Low || y.High < x.Low)
}

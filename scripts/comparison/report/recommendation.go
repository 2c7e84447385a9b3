package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// choose sets the recommendation, which follows by fixed rules from the bills and from the finding
// of each view: its paragraphs, the table of where the claim holds, and the chart.
func (d *Document) choose(workers []worker, found []finding, t *prices.Table) error {
	if len(workers) == 0 {
		d.Choice = []string{"There are too few runs for a recommendation. " + missingWorker}
		return nil
	}
	w := &workers[0]
	s := w.base(t, nil, nil)
	engines, err := engines(workers, t, found)
	if err != nil {
		return err
	}
	compute, alwaysOn, oneMachine := found[0], found[1], found[2]
	share, err := painting(s, oneMachine)
	if err != nil {
		return err
	}
	d.Choice = []string{
		fmt.Sprintf("For the lowest whole bill, with pictures of %s px that arrive at random, %s. The functions have %s MB of memory, the measured size with the lowest compute cost, and use %s.", exact(float64(w.instance.variant.Size)), oneMachine.advice("one machine"), exact(float64(w.function.variant.MemoryMB)), measurement.EngineName(w.function.variant.Engine)),
		fmt.Sprintf("One machine is in one zone only, which is a group of data centres, and keeps no copies of its pictures. If a second zone or copies are needed, the alternative is always-on instances, which use the same services as functions: %s.", alwaysOn.advice("always-on instances")),
		fmt.Sprintf("The project began with the claim that functions are “more than 70%% cheaper for intermittent workloads”. Compared with one machine, this is true for the whole bill %s. Compared with always-on instances, it is true for the whole bill %s, and for compute only %s. By the whole bill, functions cost more than one machine %s. %s",
			oneMachine.claim, alwaysOn.claim, compute.claim, oneMachine.dearer, share),
		engines,
		"A range in parentheses is the lowest and the highest result over scenarios of what AWS does not document: the speed of its processors, how long it keeps idle environments, how long a picture waits for the shared file system, and the speed of two jobs at once on one core. The times of pictures were measured on one machine outside AWS; the storage and the requests per picture are assumed, and no range includes other values for them: the section Sensitivity shows how far those move the results. The section Saving by duty also has 95% intervals from the runs.",
	}
	d.Verdict = &Table{
		Title: "Where functions cost less, by pictures a day, arriving at random", Left: 5, Basis: cost.Assumed,
		Columns: []string{"Comparison", "Functions save more than 70%", "Functions cost less than the alternative", "Functions cost more"},
		Notes: []string{fmt.Sprintf("Examined are volumes up to what one instance sustains: %s pictures a day with the shared file system, and %s on one machine.",
			figure(perDay(s.capacity.shared*cost.Seconds)), figure(perDay(s.capacity.local*cost.Seconds)))},
	}
	for i, v := range views {
		row := []string{v.name}
		for _, cell := range []string{found[i].claim, found[i].cheaper, found[i].dearer} {
			row = append(row, strings.ReplaceAll(cell, " a day", ""))
		}
		d.Verdict.Rows = append(d.Verdict.Rows, row)
	}
	d.Picture, err = w.claimChart(t)
	return err
}

// A finding describes in words at which volumes functions save more than the claimed 70%, cost less
// than the alternative, and cost more.
type finding struct {
	claim, cheaper, dearer string
	turns                  []cost.Crossing // between cheaper and dearer
	wins                   bool            // functions cost less at the lowest duty
}

// findings returns the finding of each view for the first of the workers; nil without workers.
func findings(workers []worker, t *prices.Table) (all []finding, err error) {
	if len(workers) == 0 {
		return nil, nil
	}
	for _, v := range views {
		one, err := find(v, &workers[0], t)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func find(v view, w *worker, t *prices.Table) (f finding, err error) {
	s := w.base(t, nil, nil)
	c := v.compare(s)
	if f.turns, err = c.Crossings(0, v.scope, lowestDuty, highestDuty); err != nil {
		return f, err
	}
	claims, err := c.Crossings(claimed, v.scope, lowestDuty, highestDuty)
	if err != nil {
		return f, err
	}
	low, err := c.Saving(lowestDuty, v.scope)
	if err != nil {
		return f, err
	}
	f.wins = low > 0
	turnBand, err := w.bandOf(v, 0, f.turns, t)
	if err != nil {
		return f, err
	}
	claimBand, err := w.bandOf(v, claimed, claims, t)
	if err != nil {
		return f, err
	}
	f.claim, f.cheaper, f.dearer = rangesInWords(low > claimed, claims, claimBand), rangesInWords(f.wins, f.turns, turnBand), rangesInWords(!f.wins, f.turns, "")
	return f, nil
}

// bandOf returns the range of a crossing over the scenarios, in pictures a day; empty unless there
// is exactly one crossing.
func (w *worker) bandOf(v view, level float64, found []cost.Crossing, t *prices.Table) (string, error) {
	if len(found) != 1 {
		return "", nil
	}
	low, high := math.Inf(1), math.Inf(-1)
	less, more := "", "" // words for an end outside of the examined duties
	for _, s := range w.variations(t) {
		others, err := quickCrossings(v.compare(s), level, v.scope, lowestDuty, highestDuty)
		if err != nil {
			return "", err
		}
		for _, duty := range others {
			pictures := perDay(duty * v.capacity(s) * cost.Seconds)
			low, high = min(low, pictures), max(high, pictures)
		}
		if len(others) == 0 { // outside the range of duties that is searched
			if always, err := v.always(s, level); err != nil {
				return "", err
			} else if always {
				high, more = max(high, perDay(highestDuty*v.capacity(s)*cost.Seconds)), "more than "
			} else {
				low, less = min(low, perDay(lowestDuty*v.capacity(s)*cost.Seconds)), "less than "
			}
		}
	}
	return fmt.Sprintf(" (%s%s to %s%s)", less, figure(low), more, figure(high)), nil
}

// advice recommends functions or the alternative, by volume.
func (f finding) advice(alternative string) string {
	switch {
	case len(f.turns) > 0:
		return "use functions " + f.cheaper + ", and " + alternative + " " + f.dearer
	case f.wins:
		return "use functions at every volume that one instance sustains"
	}
	return "use " + alternative + " at every volume that one instance sustains"
}

// rangesInWords describes in words the ranges of pictures a day in which a condition holds. holds is
// whether it holds at the lowest duty; it changes at each crossing. band is appended to the figure
// of a single crossing.
func rangesInWords(holds bool, crossings []cost.Crossing, band string) string {
	if len(crossings) == 0 {
		if holds {
			return "at every volume"
		}
		return "at no volume"
	}
	var parts []string
	from := ""
	for i, x := range crossings {
		at := figure(perDay(x.Pictures))
		switch {
		case !holds:
			from = at
		case i == 0:
			parts = append(parts, "below "+at+" a day"+band)
		default:
			parts = append(parts, "between "+from+" and "+at+" a day")
		}
		holds = !holds
	}
	if holds {
		parts = append(parts, "above "+from+" a day"+band)
	}
	return strings.Join(parts, " and ")
}

// painting describes how much of functions' bill is compute at the volume where functions and one
// machine cost the same.
func painting(s scenario, f finding) (string, error) {
	if len(f.turns) == 0 {
		return "", nil
	}
	n := f.turns[len(f.turns)-1].Pictures
	d, m := s.functions(n)
	bill, err := d.Bill(s.prices, m)
	if err != nil {
		return "", err
	}
	share := bill.USD(cost.Compute) / bill.USD(cost.Whole)
	text := fmt.Sprintf("At %s pictures a day, where both cost the same, compute is %s of the functions' bill. ", figure(perDay(n)), percent(share))
	if share < 0.5 {
		return text + "Most of the bill is for other services (gateway, queue, shared file system, copies, logs). Of these, one machine does not need gateway, shared file system and copies.", nil
	}
	return text + "Most of the bill is for painting.", nil
}

// claimChart returns the chart of each view's saving by pictures a day.
func (w *worker) claimChart(t *prices.Table) (*Chart, error) {
	s := w.base(t, nil, nil)
	c := &Chart{
		Title:   "Saving of functions by pictures a day",
		Caption: fmt.Sprintf("Above the upper line functions save more than 70%%, as the claim says; below the lower line they cost more than the alternative. Curves end at −100%%, where functions cost twice as much. %s, %s px, %s.", measurement.EngineName(w.function.variant.Engine), exact(float64(w.function.variant.Size)), t.Region),
		Basis:   cost.Assumed, X: "Pictures a day", Y: "Saving of functions", logX: true, percentY: true, yLow: -1, yHigh: 1, markersEvery: 4,
		levels: []level{{0, "costs the same"}, {claimed, "saves 70%"}},
	}
	for _, v := range views {
		series := Series{Name: v.name}
		at := duties()
		for _, duty := range at {
			series.X = append(series.X, perDay(duty*v.capacity(s)*cost.Seconds))
		}
		var err error
		if series.Y, err = savings(v.compare(s), at, v.scope); err != nil {
			return nil, err
		}
		c.Series = append(c.Series, series)
	}
	return c, nil
}

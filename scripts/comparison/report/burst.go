package report

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// burst returns the section on many jobs at once when nothing is running.
func burst(f *folder, workers []worker) (Section, error) {
	const jobs = 10_000
	s := Section{ID: "burst", Title: "A burst of jobs when nothing is running"}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, nil
	}
	w := &workers[0]
	s.Text = []string{fmt.Sprintf("%s jobs (%d px, %s) arrive within 10 s. No environment and no instance is running before, except where a row names one. Times are counted from the first job.", exact(jobs), w.function.variant.Size, measurement.EngineName(w.function.variant.Engine))}
	times, err := arrivals.Steady(jobs/10, 10)
	if err != nil {
		return s, err
	}
	chart := Chart{
		Title: "Pictures ready after a burst", Caption: "AWS documents the rate at which the mapping raises its limit of calls at once; the times until an alarm is raised and an instance has booted are assumed.", Basis: cost.Assumed,
		X: "Seconds since the first job", Y: "Pictures", logX: true, markersEvery: 8,
	}
	table := Table{Title: "A burst of " + exact(jobs) + " jobs", Left: 1, Basis: cost.Assumed, Columns: []string{"Deployment", "First picture, s", "Half of the pictures, s", "All pictures, s", "Most environments or instances at once"}}
	work, err := w.functionWork()
	if err != nil {
		return s, err
	}
	load := simulation.Load{Arrivals: times, Seed: f.plan.Seed, Work: work}
	add := func(name string, r simulation.Result) {
		series := Series{Name: name}
		ends := sortedEnds(r)
		for i := 0; i < len(ends); i += jobs / 50 {
			series.X, series.Y = append(series.X, ends[i]), append(series.Y, float64(i+1))
		}
		chart.Series = append(chart.Series, series)
		table.Rows = append(table.Rows, []string{name, figure(ends[0]), figure(ends[len(ends)/2]), figure(ends[len(ends)-1]), exact(float64(r.Usage.Peak))})
	}
	for _, maximum := range []int{simulation.MappingMaximum, assumptions.MaximumConcurrency} {
		r, err := simulation.Queued(load, w.simulated(assumptions.KeepAlive), assumptions.Mapping(maximum))
		if err != nil {
			return s, err
		}
		add(fmt.Sprintf("functions, at most %s at once", exact(float64(maximum))), r)
	}
	if load.Work, err = w.instanceWork(); err != nil {
		return s, err
	}
	for _, c := range []struct {
		name             string
		minimum, maximum int
	}{{"instances, one running before, at most 8", 1, 8}, {"instances from zero, at most 8", 0, 8}, {fmt.Sprintf("instances from zero, at most %d", assumptions.MaximumInstances), 0, assumptions.MaximumInstances}} {
		r, err := simulation.Fleet(load, assumptions.Instances(assumptions.Processors, c.minimum, c.maximum, 1))
		if err != nil {
			return s, err
		}
		add(c.name, r)
	}
	s.Charts, s.Tables = []Chart{chart}, []Table{table}
	return s, nil
}

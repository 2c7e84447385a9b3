package report

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// A load is a pattern of arrivals whose month is billed.
type loadCase struct {
	name     string
	times    []float64
	duration float64 // seconds
}

const day = 86400.0

// cases are patterns of several days: at random, as the image jobs of a recorded trace, and at night.
func cases(seed uint64) (all []loadCase, err error) {
	few, err := arrivals.Poisson(random(seed), 500/day, 7*day)
	if err != nil {
		return nil, err
	}
	images, err := arrivals.Images(random(seed), arrivals.ImagesPerHour, 23)
	if err != nil {
		return nil, err
	}
	var nights []float64
	for night := range 3 {
		for i := range 100_000 {
			nights = append(nights, float64(night)*day+float64(i)/100)
		}
	}
	return []loadCase{
		{"500 a day, at random", few, 7 * day},
		{"image jobs, 23 days (synthetic)", images, 23 * day},
		{"100,000 each night, sent within 17 minutes", nights, 3 * day},
	}, nil
}

// bills are a month's of each case, with what its jobs waited.
func bills(f *folder, workers []worker, t *prices.Table) (Section, error) {
	s := Section{ID: "cases", Title: "What a month costs", Text: []string{
		"Three workloads: the bill and the latency of jobs, by simulation with the measured times.",
	}}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, nil
	}
	chart, err := workers[0].billChart(t)
	if err != nil {
		return s, err
	}
	s.Charts = []Chart{chart}
	all, err := cases(f.plan.Seed)
	if err != nil {
		return s, err
	}
	table := Table{
		Title: "A month of three workloads", Left: 3, Basis: cost.Assumed,
		Columns: []string{"Workload", "Deployment", "Engine", "Pictures a month", "Compute", "Whole bill", "p50", "p95", "Cold starts", "Instance hours"},
		Notes:   []string{"From zero: up to 8 instances. Always on, and one machine: one instance, however long its jobs wait. Managed instances (Lambda Managed Instances) are functions on instances of one's own: at least three, for EC2's price and a fee of 15% of it. AWS names neither Go nor this file system for them: hypothetical."},
	}
	for _, c := range all {
		for i := range workers {
			rows, err := workers[i].bills(f, t, c)
			if err != nil {
				return s, err
			}
			table.Rows = append(table.Rows, rows...)
		}
	}
	s.Tables = []Table{table}
	return s, nil
}

// bills are a case's rows of one engine.
func (w *worker) bills(f *folder, t *prices.Table, c loadCase) (rows [][]string, err error) {
	billedWork, err := simulation.Empirical(w.function.warm(billed))
	if err != nil {
		return nil, err
	}
	work, err := simulation.Empirical(w.instance.warm(handler))
	if err != nil {
		return nil, err
	}
	load := simulation.Load{Arrivals: c.times, Duration: c.duration, Seed: f.plan.Seed, Work: billedWork}
	months := cost.Seconds / c.duration
	n := float64(len(c.times)) * months
	add := func(r simulation.Result, d cost.Deployment, hours string) error {
		bill, err := d.Bill(t, month(n))
		if err != nil {
			return err
		}
		cold := none
		if d.Function != nil {
			cold = percent(d.Function.ColdShare)
		}
		rows = append(rows, []string{c.name, d.Name, engineName(w.function.variant.Engine), figure(n), usd(bill.USD(cost.Compute)), usd(bill.USD(cost.Whole)),
			seconds(percentile(r.Latencies(), 50)), seconds(percentile(r.Latencies(), 95)), cold, hours})
		return nil
	}
	r, err := simulation.Queued(load, w.simulated(keepAlive), mapping(0))
	if err != nil {
		return nil, err
	}
	d, _ := w.base(t, nil, nil).functions(n)
	d.Function.ColdShare = float64(r.Usage.ColdStarts) / float64(r.Usage.Jobs)
	if err := add(r, d, none); err != nil {
		return nil, err
	}
	load.Work = work
	for _, minimum := range []int{0, 1} {
		fleet := scaledFleet(minimum)
		if minimum > 0 {
			fleet.Maximum = minimum
		}
		if r, err = simulation.Fleet(load, fleet); err != nil {
			return nil, err
		}
		i := cost.Instances{Basis: cost.Simulated, Type: instanceType, Hours: r.Usage.InstanceSeconds / 3600 * cost.Seconds / r.Usage.Seconds, Always: minimum > 0, Disk: disk, PollsPerHour: 180}
		if err := add(r, cost.EC2Mode(i, sweeps), figure(i.Hours)); err != nil {
			return nil, err
		}
		if minimum > 0 {
			if err := add(r, withPictures(i, n), figure(i.Hours)); err != nil {
				return nil, err
			}
		}
	}
	if r, err = simulation.Fleet(load, simulation.Instances{
		Transit: transit, Slots: slots, Processors: slots, Boot: simulation.Constant(booting),
		Minimum: simulation.ManagedInstances, Maximum: 8, Policy: simulation.BusySharePolicy(managedShare),
	}); err != nil {
		return nil, err
	}
	hours := r.Usage.InstanceSeconds / 3600 * cost.Seconds / r.Usage.Seconds
	managed := cost.Managed{Basis: cost.Assumed, Type: instanceType, Hours: hours, IdlePolls: cost.IdlePolls(simulation.MappingInitial)}
	return rows, add(r, cost.ManagedMode(managed, sweeps), figure(hours))
}

// burst is what becomes of many jobs at once where nothing runs yet.
func burst(f *folder, workers []worker) (Section, error) {
	const jobs = 10_000
	s := Section{ID: "burst", Title: "From nothing to a burst"}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, nil
	}
	w := &workers[0]
	s.Text = []string{fmt.Sprintf("%s jobs within 10 s where nothing runs, with %s at %d px.", exact(jobs), engineName(w.function.variant.Engine), w.function.variant.Size)}
	times, err := arrivals.Steady(jobs/10, 10)
	if err != nil {
		return s, err
	}
	chart := Chart{
		Title: "Pictures that are ready after a burst", Caption: "The mapping's rate is AWS's; an instance's boot of 90 s and its alarms are assumed.", Basis: cost.Assumed,
		X: "Seconds since the first job", Y: "Pictures", logX: true, markersEvery: 8,
	}
	table := Table{Title: "A burst of " + exact(jobs) + " jobs", Left: 1, Basis: cost.Assumed, Columns: []string{"Deployment", "First picture, s", "Half of them, s", "All of them, s", "Environments or instances at most"}}
	work, err := simulation.Empirical(w.function.warm(billed))
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
	for _, maximum := range []int{0, 10} {
		r, err := simulation.Queued(load, w.simulated(keepAlive), mapping(maximum))
		if err != nil {
			return s, err
		}
		name := "functions"
		if maximum > 0 {
			name = fmt.Sprintf("functions, %d at most", maximum)
		}
		add(name, r)
	}
	if load.Work, err = simulation.Empirical(w.instance.warm(handler)); err != nil {
		return s, err
	}
	for _, minimum := range []int{1, 0} {
		r, err := simulation.Fleet(load, scaledFleet(minimum))
		if err != nil {
			return s, err
		}
		name := "instances from zero"
		if minimum > 0 {
			name = "instances, one runs"
		}
		add(name, r)
	}
	s.Charts, s.Tables = []Chart{chart}, []Table{table}
	return s, nil
}

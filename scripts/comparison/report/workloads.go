package report

import (
	"fmt"
	"slices"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// loadCase is a workload whose monthly bill is computed.
type loadCase struct {
	name     string
	times    []float64
	duration float64 // seconds
}

const day = 86400.0

// cases returns three workloads of several days each: Poisson arrivals, arrivals like those of a
// recorded trace of image jobs, and a nightly batch.
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
		{"image jobs (synthetic)", images, 23 * day},
		{"100,000 each night", nights, 3 * day},
	}, nil
}

// bills returns the section with the monthly bill and the latencies of each workload.
func bills(f *folder, workers []worker, t *prices.Table) (Section, error) {
	s := Section{ID: "cases", Title: "What a month costs", Text: []string{
		"The bill by volume, for pictures arriving at random, and the bills and latencies of three workloads. Times of pictures are measured, waits and cold starts are simulated with them, and the use of storage and other services per picture is assumed.",
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
	monthly, err := workers[0].billTable(t)
	if err != nil {
		return s, err
	}
	all, err := cases(f.plan.Seed)
	if err != nil {
		return s, err
	}
	table := Table{
		Title: "One month of three workloads", Left: 3, Basis: cost.Assumed,
		Columns: []string{"Workload", "Deployment", "Engine", "Pictures a month", "Compute only", "Whole bill", "Latency p50", "Latency p95", "Share of cold starts", "Instance hours", "Limit"},
		Notes: []string{
			"Each workload is one simulated sequence of arrivals, so at random there are slightly more or fewer pictures than the rate says, and the bills differ as much from those by volume.",
			"Image jobs: a synthetic pattern of 23 days at the rate of the recorded trace. Each night: the batch is submitted within 17 minutes.",
			fmt.Sprintf("Limit: the highest number of environments or instances at once. A row with two limits has the same figures for both. The defaults of this project's deployment are %d environments and %d instances. A new AWS account may be limited to 10 environments, others to 1,000.", assumptions.MaximumConcurrency, assumptions.MaximumInstances),
			"Always-on instances and one machine have one instance here, no matter how long its jobs wait.",
			"Managed instances (Lambda Managed Instances) run functions on EC2 instances in the customer's account: at least three, at EC2's price plus a fee of 15% of it. They are hypothetical, because AWS documents support for neither Go nor EFS on them.",
		},
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
	s.Tables = []Table{monthly, table}
	return s, nil
}

// bills returns the rows of one workload for one engine.
func (w *worker) bills(f *folder, t *prices.Table, c loadCase) (rows [][]string, err error) {
	load := simulation.Load{Arrivals: c.times, Duration: c.duration, Seed: f.plan.Seed}
	months := cost.Seconds / c.duration
	n := float64(len(c.times)) * months
	month := assumptions.Month(n, w.function.variant.Size, active(c.times, n))
	add := func(r simulation.Result, d cost.Deployment, hours string, most int) error {
		bill, err := d.Bill(t, month)
		if err != nil {
			return err
		}
		cold := none
		if d.Function != nil {
			cold = percent(d.Function.ColdShare)
		}
		row := []string{c.name, d.Name, measurement.EngineName(w.function.variant.Engine), figure(n), usd(bill.USD(cost.Compute)), usd(bill.USD(cost.Whole)),
			seconds(percentile(r.Latencies(), 50)), seconds(percentile(r.Latencies(), 95)), cold, hours, exact(float64(most))}
		last := len(row) - 1
		if before := len(rows) - 1; before >= 0 && slices.Equal(rows[before][:last], row[:last]) { // only the maximum differs
			rows[before][last] += " or " + row[last]
			return nil
		}
		rows = append(rows, row)
		return nil
	}
	if load.Work, err = w.functionWork(); err != nil {
		return nil, err
	}
	for _, most := range []int{simulation.MappingMaximum, assumptions.MaximumConcurrency} {
		r, err := simulation.Queued(load, w.simulated(assumptions.KeepAlive), assumptions.Mapping(most))
		if err != nil {
			return nil, err
		}
		d, _ := w.base(t, nil, nil).functions(n)
		d.Function.ColdShare = float64(r.Usage.ColdStarts) / float64(r.Usage.Jobs)
		if err := add(r, d, none, most); err != nil {
			return nil, err
		}
	}
	onInstances := func(i simulation.Instances, local bool) (r simulation.Result, hours float64, err error) {
		wait := assumptions.StoreSeconds
		if local {
			wait = 0
		}
		if load.Work, err = waiting(w.instance.warm(handler), wait); err != nil {
			return r, 0, err
		}
		r, err = simulation.Fleet(load, i)
		return r, r.Usage.InstanceSeconds / 3600 * cost.Seconds / r.Usage.Seconds, err
	}
	for _, most := range []int{assumptions.MaximumInstances, 8} {
		r, hours, err := onInstances(assumptions.Instances(assumptions.Processors, 0, most, 1), false)
		if err != nil {
			return nil, err
		}
		if err := add(r, cost.EC2Mode(instances(hours), assumptions.Sweeps()), figure(hours), most); err != nil {
			return nil, err
		}
	}
	for _, local := range []bool{false, true} {
		r, _, err := onInstances(assumptions.Instances(assumptions.Processors, 1, 1, 1), local)
		if err != nil {
			return nil, err
		}
		i := instances(cost.Hours)
		i.Always = true
		d := cost.EC2Mode(i, assumptions.Sweeps())
		if local {
			d = cost.OneMachine(i, month)
		}
		if err := add(r, d, figure(i.Hours), 1); err != nil {
			return nil, err
		}
	}
	const most = 8
	fleet := assumptions.Instances(assumptions.Processors, simulation.ManagedInstances, most, 1)
	fleet.Policy = simulation.BusySharePolicy(assumptions.ManagedShare)
	r, hours, err := onInstances(fleet, false)
	if err != nil {
		return nil, err
	}
	managed := cost.Managed{Basis: cost.Assumed, Type: assumptions.InstanceType, Hours: hours, IdlePolls: cost.IdlePolls(simulation.MappingInitial)}
	return rows, add(r, cost.ManagedMode(managed, assumptions.Sweeps()), figure(hours), most)
}

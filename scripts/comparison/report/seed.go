package report

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// magenta is how many times as long as ours Magenta's network takes in the Python server: processor time of
// a picture, 209.4 ms over 89.3 ms (scripts/bench-results.md, section endtoend).
const magenta = 209.4 / 89.3

// original is the setting that the claim came with: a synchronous function behind API Gateway against an
// instance with a Python server, without a queue or stored pictures.
func original(f *folder, groups []group, workers []worker, t *prices.Table, e effort) (Section, error) {
	s := Section{ID: "original", Title: "The claim's own setting", Text: []string{
		"The claim came with a simpler design: the client waits while a function with 3,007 MB and TensorFlow on a network file system paints, behind API Gateway (REST); against it one instance that is always on, with a Python server (Flask). There is no queue, and no picture is kept. The network then was Magenta's, which takes longer than the one of this project: scripts/bench-results.md has both in the Python server.",
	}}
	var tensorflow *worker
	for i := range workers {
		if workers[i].function.variant.Engine == measurement.TensorFlow {
			tensorflow = &workers[i]
		}
	}
	server, ok := pythonServer(groups)
	if tensorflow == nil || !ok {
		s.Missing = "The setting takes a worker with TensorFlow at a function's share of the processors and the Python server, which were not both measured: run scripts/setup --bench, then scripts/compare --only 'service-tensorflow-512px-*' --out DIR and --only 'flask-*' as root."
		return s, nil
	}
	table := Table{
		Title: "Synchronous function against one always-on server", Left: 2, Basis: cost.Assumed,
		Columns: []string{"Network", "Bill", "Function, s", "Cold start, s", "Server, s", "70% saved up to, a day", "Same cost, a day", "Saving at 100 a day", "at 10,000 a day"},
		Notes: []string{
			fmt.Sprintf("The function's times are those of a worker held to %s MB; the server's are latencies under load (%s), as one instance of %s. The reads of cold starts are those of TensorFlow on the network file system, read ahead: measured, else assumed.", exact(float64(tensorflow.function.variant.MemoryMB)), load(server.variant), assumptions.InstanceType),
		},
	}
	for _, n := range []struct {
		name   string
		factor float64
	}{{"this project's, measured", 1}, {"Magenta's, not measured: " + figure(magenta) + " times as long", magenta}} {
		o := originalSetting{w: tensorflow, server: server.scaled(n.factor), factor: n.factor}
		var err error
		if o.capacity, err = sustained(o.server, 0, 1, f.plan.Seed, e.jobs); err != nil {
			return s, err
		}
		rows, err := o.rows(n.name, t)
		if err != nil {
			return s, err
		}
		table.Rows = append(table.Rows, rows...)
	}
	s.Tables = []Table{table}
	return s, nil
}

// pythonServer is the runs of the Python server under the lowest rate.
func pythonServer(groups []group) (found group, ok bool) {
	for _, g := range groups {
		if g.variant.System == measurement.Flask && g.variant.Network == "" && (!ok || g.variant.Rate < found.variant.Rate) {
			found, ok = g, true
		}
	}
	return found, ok
}

// scaled are the latencies of all jobs, times a factor.
func (g group) scaled(factor float64) (all []float64) {
	for _, r := range g.runs {
		for _, j := range r.Jobs {
			if j.Failed == "" {
				all = append(all, factor*j.Latency)
			}
		}
	}
	return all
}

// An originalSetting is one network's.
type originalSetting struct {
	w        *worker
	server   []float64 // seconds of a picture
	factor   float64   // of the function's times
	capacity float64   // pictures a second of the server
}

func (o originalSetting) month(n float64) cost.Month {
	return assumptions.SynchronousMonth(n, o.w.function.variant.Size)
}

func (o originalSetting) comparison(t *prices.Table) cost.Comparison {
	return cost.Comparison{
		Capacity: o.capacity,
		Functions: cost.Over(t, func(n float64) (cost.Deployment, cost.Month) {
			return cost.SeedFunction(cost.Function{
				Basis: cost.Simulated, Architecture: assumptions.Architecture, Warm: o.factor * o.w.warm(nil), Init: o.w.start(nil) + assumptions.ReadSeconds(o.w.coldCalls), ColdShare: o.w.cold.at(n), ColdCalls: o.w.coldCalls,
			}), o.month(n)
		}),
		Instances: cost.Over(t, func(n float64) (cost.Deployment, cost.Month) {
			k := cost.Needed(n/cost.Seconds, o.capacity)
			return cost.SeedInstance(cost.Instances{Basis: cost.Simulated, Type: assumptions.InstanceType, Hours: k * cost.Hours, Disk: assumptions.Disk}), o.month(n)
		}),
	}
}

func (o originalSetting) rows(name string, t *prices.Table) (rows [][]string, err error) {
	c := o.comparison(t)
	for _, bill := range []struct {
		name  string
		scope cost.Scope
	}{{"compute alone", cost.Compute}, {"the whole bill", cost.Whole}} {
		row := []string{name, bill.name, figure(o.factor * o.w.warm(nil)), figure(o.w.start(nil) + assumptions.ReadSeconds(o.w.coldCalls)), figure(mean(o.server))}
		for _, level := range []float64{claimed, 0} {
			found, err := c.Crossings(level, bill.scope, lowestDuty, highestDuty)
			if err != nil {
				return nil, err
			}
			cell := none
			if len(found) > 0 {
				cell = figure(perDay(found[len(found)-1].Pictures))
			}
			row = append(row, cell)
		}
		for _, day := range []float64{100, 10_000} {
			saving, err := c.Saving(cost.Duty(day*cost.Hours/24, o.capacity), bill.scope)
			if err != nil {
				return nil, err
			}
			row = append(row, percent(saving))
		}
		rows = append(rows, row)
	}
	return rows, nil
}

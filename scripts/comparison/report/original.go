package report

import (
	"fmt"
	"strings"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// original returns the section on the setting of the original claim: a synchronous function behind
// API Gateway against an instance with a Python server, without a queue or stored pictures. Each
// network that was measured has rows.
func original(f *folder, groups []group, t *prices.Table, e effort) (Section, error) {
	s := Section{ID: "original", Title: "The original setting of the claim", Text: []string{
		"The claim was made for a simpler design: a synchronous function with 3,007 MB paints behind API Gateway (REST), with TensorFlow on the shared file system. Its alternative is one instance with the Python server that runs all month. There is no queue, and no picture is stored. The neural network was Magenta's arbitrary image stylisation, which takes longer per picture than this project's.",
	}}
	table := Table{
		Title: "Synchronous function compared with one instance with the Python server", Left: 2, Basis: cost.Assumed,
		Columns: []string{"Neural network", "Bill", "Billed per warm picture, s", "Added by a cold start, s", "Latency of the server, s", "Functions save 70% up to, pictures a day", "Same cost at, pictures a day", "Saving at 100 pictures a day", "Saving at 10,000 pictures a day"},
		Notes: []string{
			fmt.Sprintf("The function's times are those of a worker alone with a function's share of the processors; waits for the shared file system are not added, because no picture is stored. The server's time is the mean latency in its runs under load. The rate that one instance (%s) sustains is simulated with these latencies, and limited by the processor time that the server used.", assumptions.InstanceType),
			"A cold start reads TensorFlow and this project's neural network from the shared file system, with read ahead: how much was measured if there are such runs, and is otherwise assumed. For Magenta's network the same reads are used, because its starts from the shared file system were not measured.",
			"always: functions save more than this at every volume that one instance sustains; never: at none.",
		},
	}
	for _, n := range []struct{ network, name, how string }{
		{"", "this project's", "run scripts/setup --bench, then scripts/compare --only 'service-tensorflow-512px-*' --out DIR and --only 'flask-*' as root"},
		{measurement.Magenta, "Magenta's", "run scripts/compare with --teacher DIR"},
	} {
		found := workersOf(groups, usualSize, 3007, n.network, measurement.TensorFlow)
		server, ok := pythonServer(groups, n.network)
		if len(found) == 0 || !ok {
			table.Notes = append(table.Notes, fmt.Sprintf("%s network was not measured in a function, or not in the Python server: %s.", capital(n.name), n.how))
			continue
		}
		if err := found[0].simulate(f.plan.Seed, e.jobs); err != nil {
			return s, err
		}
		o := originalSetting{w: &found[0], server: statistics.Mean(server.latencies())}
		var err error
		if o.capacity, err = sustained(server.latencies(), 0, 1, f.plan.Seed, e.jobs); err != nil {
			return s, err
		}
		if busy := server.busy(); busy > 0 {
			o.capacity = min(o.capacity, assumptions.Processors/busy)
		}
		rows, err := o.rows(fmt.Sprintf("%s, measured (%s MB; jobs to the server: %s)", n.name, exact(float64(o.w.function.variant.MemoryMB)), load(server.variant)), t)
		if err != nil {
			return s, err
		}
		table.Rows = append(table.Rows, rows...)
	}
	if len(table.Rows) == 0 {
		s.Missing = "This needs runs of a worker alone with TensorFlow and a function's share of the processors, and of the Python server, at least one of which was not measured: run scripts/setup --bench, then scripts/compare --only 'service-tensorflow-512px-*' --out DIR and --only 'flask-*' as root."
		return s, nil
	}
	s.Tables = []Table{table}
	return s, nil
}

// capital returns s with its first letter in upper case.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// pythonServer returns the runs of the Python server with a network, at the lowest measured rate.
func pythonServer(groups []group, network string) (found group, ok bool) {
	for _, g := range groups {
		if g.variant.System == measurement.Flask && g.variant.Network == network && (!ok || g.variant.Rate < found.variant.Rate) {
			found, ok = g, true
		}
	}
	return found, ok
}

// latencies returns the latencies of all jobs.
func (g group) latencies() (all []float64) {
	for _, r := range g.runs {
		for _, j := range r.Jobs {
			if j.Failed == "" {
				all = append(all, j.Latency)
			}
		}
	}
	return all
}

// An originalSetting is the original setting with one network.
type originalSetting struct {
	w        *worker
	server   float64 // seconds per picture
	capacity float64 // pictures a second of the server
}

func (o originalSetting) month(n float64) cost.Month {
	return assumptions.SynchronousMonth(n, o.w.function.variant.Size)
}

func (o originalSetting) comparison(t *prices.Table) cost.Comparison {
	return cost.Comparison{
		Capacity: o.capacity,
		Functions: cost.Over(t, func(n float64) (cost.Deployment, cost.Month) {
			return cost.OriginalFunction(cost.Function{
				Basis: cost.Simulated, Architecture: assumptions.Architecture, Warm: o.w.warm(nil), Init: o.w.start(nil) + assumptions.ReadSeconds(o.w.coldCalls), ColdShare: o.w.cold.at(n), ColdCalls: o.w.coldCalls,
			}), o.month(n)
		}),
		Instances: cost.Over(t, func(n float64) (cost.Deployment, cost.Month) {
			k := cost.Needed(n/cost.Seconds, o.capacity)
			return cost.OriginalInstance(cost.Instances{Basis: cost.Simulated, Type: assumptions.InstanceType, Hours: k * cost.Hours, Disk: assumptions.Disk}), o.month(n)
		}),
	}
}

func (o originalSetting) rows(name string, t *prices.Table) (rows [][]string, err error) {
	c := o.comparison(t)
	for _, bill := range []struct {
		name  string
		scope cost.Scope
	}{{"compute only", cost.Compute}, {"the whole bill", cost.Whole}} {
		row := []string{name, bill.name, figure(o.w.warm(nil)), figure(o.w.start(nil) + assumptions.ReadSeconds(o.w.coldCalls)), figure(o.server)}
		for _, level := range []float64{claimed, 0} {
			found, err := c.Crossings(level, bill.scope, lowestDuty, highestDuty)
			if err != nil {
				return nil, err
			}
			var cell string
			if len(found) > 0 {
				cell = figure(perDay(found[len(found)-1].Pictures))
			} else if cell, err = always(c, level, bill.scope); err != nil {
				return nil, err
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

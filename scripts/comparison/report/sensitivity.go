package report

import (
	"fmt"
	"math"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// A change is a scenario that differs from the base in one value.
type change struct {
	name string
	of   scenario
}

// sensitivity returns the section on how crossings move when one input changes.
func sensitivity(f *folder, groups []group, workers []worker, t *prices.Table, e effort) (Section, error) {
	s := Section{ID: "sensitivity", Title: "Sensitivity", Text: []string{
		"Each row changes one input of the bills. Its figures are the highest duties at which functions cost as much as the alternative (d*) and at which they save 70% (d70), for pictures arriving at random.",
	}}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, nil
	}
	changes, err := changes(f, groups, workers, t, e)
	if err != nil {
		return s, err
	}
	table := Table{Title: "d* and d70 by changed input", Left: 1, Basis: cost.Assumed, Columns: []string{"Change"}, Notes: []string{
		"always: functions save more than 0% (d*) or 70% (d70) at every duty; never: at none.",
		"For pictures of other sizes, file sizes are proportional to the pixels, and the number of requests is the same. Discounts of spot instances and savings plans are only in this table. AWS can end spot instances at any time; a savings plan is a commitment for one or three years.",
	}}
	for _, name := range []string{"d*", "d70"} {
		for _, v := range views {
			table.Columns = append(table.Columns, name+": "+v.name)
		}
	}
	for _, c := range changes {
		row := []string{c.name}
		for _, level := range []float64{0, claimed} {
			for _, v := range views {
				found, err := quickCrossings(v.compare(c.of), level, v.scope, lowestDuty, highestDuty)
				if err != nil {
					return s, err
				}
				cell, err := v.highest(c.of, found, level)
				if err != nil {
					return s, err
				}
				row = append(row, cell)
			}
		}
		table.Rows = append(table.Rows, row)
	}
	s.Tables = []Table{table}
	return s, nil
}

// highest formats the highest of the crossings found, or "always" or "never" if there is none.
func (v view) highest(s scenario, found []float64, level float64) (string, error) {
	if len(found) > 0 {
		return percent(found[len(found)-1]), nil
	}
	return always(v.compare(s), level, v.scope)
}

// always returns "always" or "never" for a saving that has no crossing of the level.
func always(c cost.Comparison, level float64, scope cost.Scope) (string, error) {
	middle, err := c.Saving(math.Sqrt(lowestDuty*highestDuty), scope)
	if err != nil || middle > level {
		return "always", err
	}
	return "never", nil
}

// changes returns the examined changes, beginning with no change.
func changes(f *folder, groups []group, workers []worker, t *prices.Table, e effort) ([]change, error) {
	w := &workers[0]
	v := w.function.variant
	base := w.base(t, nil, nil)
	all := []change{{fmt.Sprintf("none: %s, %s px, %s MB, %s", measurement.EngineName(v.Engine), exact(float64(v.Size)), exact(float64(v.MemoryMB)), region), base}}
	for _, other := range workers[1:] {
		all = append(all, change{"engine " + measurement.EngineName(other.function.variant.Engine), other.base(t, nil, nil)})
	}
	for _, other := range steps(groups, w) {
		if err := other.simulate(f.plan.Seed, e.jobs); err != nil {
			return nil, err
		}
		v := other.function.variant
		name := fmt.Sprintf("%s MB, threads: %d, processor quota applied every %d ms", exact(float64(v.MemoryMB)), v.Threads, v.PeriodMS)
		if v.Size != w.function.variant.Size {
			name = exact(float64(v.Size)) + " px"
		}
		all = append(all, change{name, other.base(t, nil, nil)})
	}
	for _, r := range simulation.SpeedRatios() {
		if c := base; r != 1 {
			c.warm, c.start = r*base.warm, r*base.start
			all = append(all, change{"functions take " + exact(r) + " times as long as measured, instances as long as measured", c})
		}
	}
	for i, keep := range simulation.KeepAlives() {
		if c := base; keep != assumptions.KeepAlive {
			c.cold = w.keepAlives[i]
			all = append(all, change{"idle environments kept for " + exact(keep) + unit("s"), c})
		}
	}
	for _, capacity := range w.capacities {
		if c := base; capacity.yield != 1 {
			c.capacity = capacity
			all = append(all, change{"two jobs at once on an instance do " + exact(capacity.yield) + " times the work of two cores", c})
		}
	}
	for _, share := range assumptions.StoreShares() {
		if share != 1 {
			all = append(all, change{exactPercent(share) + " of the assumed waits for EFS", base.waiting(share)})
		}
	}
	four := base
	four.capacity.shared = min(base.most, 2*base.capacity.shared) // twice as many jobs wait at once, up to what the processors allow
	all = append(all, change{"four jobs at once on an instance", four})
	start := base
	start.start *= 2
	all = append(all, change{"cold starts take twice as long", start})
	priced, err := priceChanges(base)
	return append(all, priced...), err
}

// priceChanges returns the changes of single prices.
func priceChanges(base scenario) (all []change, err error) {
	for _, p := range []struct{ name, words string }{
		{"lambda.x86.gb-seconds", "functions' time"}, {"lambda.requests", "functions' requests"}, {"ec2." + assumptions.InstanceType, "the instance"},
		{"efs.standard", "storage on the shared file system"}, {"efs.elastic.reads", "reads from the shared file system"},
		{"sqs.requests", "the queue's requests"}, {"http-api.requests", "the gateway's requests"},
	} {
		if _, err := base.prices.Price(p.name); err != nil {
			continue
		}
		c := base
		c.prices = base.prices.Scaled(p.name, 2)
		all = append(all, change{"twice the price of " + p.words, c})
	}
	for _, r := range prices.Regions() {
		if r == region {
			continue
		}
		c := base
		if c.prices, err = prices.ForRegion(r); err != nil {
			return nil, err
		}
		all = append(all, change{"region " + r, c})
	}
	bursting := base
	bursting.prices = base.prices.Scaled("efs.elastic.reads", 0).Scaled("efs.elastic.writes", 0)
	all = append(all, change{"shared file system with bursting throughput, whose reads and writes are free within its credits", bursting})
	discounted := func(name string, factor float64) {
		c := base
		c.discount = factor
		all = append(all, change{fmt.Sprintf("instances at %s of their price (%s)", exactPercent(factor), name), c})
	}
	demand, err := base.prices.Price("ec2." + assumptions.InstanceType)
	if err != nil {
		return nil, err
	}
	if spot, err := base.prices.Price("ec2." + assumptions.InstanceType + ".spot"); err == nil {
		discounted("an earlier price of spot instances", float64(int(100*spot.USD(1)/demand.USD(1)))/100)
	}
	for _, factor := range []float64{0.8, 0.6, 0.4} {
		discounted("an assumed discount of a savings plan", factor)
	}
	c := base
	c.prices = base.prices.Scaled("lambda.x86.gb-seconds", 0.85)
	return append(all, change{"functions at 85% of their price (an assumed discount of a savings plan)", c}), nil
}

// steps returns workers for the other measured memory sizes, threads, quota periods and picture
// sizes.
func steps(groups []group, w *worker) (all []worker) {
	for _, g := range groups {
		v := g.variant
		if !local(v) || v.Engine != w.function.variant.Engine || v.CPUs() == 0 || v.Name() == w.function.variant.Name() || len(g.means(false, billed)) == 0 || len(g.means(true, billed)) == 0 {
			continue
		}
		if v.Size == w.function.variant.Size {
			all = append(all, worker{function: g, instance: w.instance, coldCalls: w.coldCalls, uncached: w.uncached, load: w.load})
		}
	}
	seen := map[int]bool{w.function.variant.Size: true}
	for _, g := range groups {
		if !local(g.variant) || seen[g.variant.Size] {
			continue
		}
		seen[g.variant.Size] = true
		for _, other := range workersOf(groups, g.variant.Size, w.function.variant.MemoryMB, "", w.function.variant.Engine) {
			if other.function.variant.Size == g.variant.Size {
				all = append(all, other)
			}
		}
	}
	return all
}

package report

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// sensitivity says how the crossings move with what they rest on.
func sensitivity(f *folder, groups []group, workers []worker, t *prices.Table, e effort) (Section, error) {
	s := Section{ID: "sensitivity", Title: "Sensitivity", Text: []string{
		"The highest duty at which functions cost as much as the rival, d*, when one thing changes.",
	}}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, nil
	}
	w := &workers[0]
	table := Table{Title: "d* by what changes", Left: 1, Basis: cost.Assumed, Columns: []string{
		"Change", "Compute alone, always-on", "Whole bill, always-on", "Whole bill, one machine"}}
	add := func(name string, of scenario) error {
		row := []string{name}
		for _, v := range views[:3] {
			found, err := quickCrossings(v.compare(of), 0, v.scope, lowestDuty, highestDuty)
			if err != nil {
				return err
			}
			cell := "none"
			if len(found) > 0 {
				cell = percent(found[len(found)-1])
			}
			row = append(row, cell)
		}
		table.Rows = append(table.Rows, row)
		return nil
	}
	base := w.base(t, nil, nil)
	type change struct {
		name string
		of   scenario
	}
	changes := []change{{fmt.Sprintf("as above: %s, %d px, %d MB, %s", engineName(w.function.variant.Engine), w.function.variant.Size, w.function.variant.MemoryMB, region), base}}
	for _, p := range []string{"lambda.x86.gb-seconds", "lambda.requests", "ec2." + instanceType, "efs.elastic.reads", "sqs.requests", "http-api.requests"} {
		if _, err := t.Price(p); err != nil {
			continue
		}
		c := base
		c.prices = t.Scaled(p, 2)
		changes = append(changes, change{"twice the price " + p, c})
	}
	for _, r := range prices.Regions() {
		if r == region {
			continue
		}
		c := base
		var err error
		if c.prices, err = prices.Of(r); err != nil {
			return s, err
		}
		changes = append(changes, change{"region " + r, c})
	}
	slow, start := base, base
	slow.warm, slow.start = 1.5*base.warm, 1.5*base.start
	start.start *= 2
	changes = append(changes, change{"functions' processors 1.5 times as slow", slow}, change{"twice the cold start", start})
	for _, other := range workers[1:] {
		changes = append(changes, change{"engine " + engineName(other.function.variant.Engine), other.base(t, nil, nil)})
	}
	for _, other := range steps(groups, w) {
		if err := other.simulate(f.plan.Seed, e.jobs); err != nil {
			return s, err
		}
		name := fmt.Sprintf("%d MB, threads: %d, by %d ms", other.function.variant.MemoryMB, other.function.variant.Threads, other.function.variant.PeriodMS)
		if size := other.function.variant.Size; size != w.function.variant.Size {
			name = fmt.Sprintf("%d px", size)
		}
		changes = append(changes, change{name, other.base(t, nil, nil)})
	}
	for _, c := range changes {
		if err := add(c.name, c.of); err != nil {
			return s, err
		}
	}
	table.Notes = []string{"Pictures of other sizes use as much of storage and requests here, which is assumed."}
	s.Tables = []Table{table}
	return s, nil
}

// steps are the other sizes of memory, threads and periods that were measured, and the other sizes of
// pictures.
func steps(groups []group, w *worker) (all []worker) {
	for _, g := range groups {
		v := g.variant
		if !local(v) || v.Engine != w.function.variant.Engine || v.CPUs() == 0 || v.Name() == w.function.variant.Name() || len(g.means(false, billed)) == 0 || len(g.means(true, billed)) == 0 {
			continue
		}
		if v.Size == w.function.variant.Size {
			all = append(all, worker{function: g, instance: w.instance, coldCalls: w.coldCalls})
		}
	}
	seen := map[int]bool{w.function.variant.Size: true}
	for _, g := range groups {
		if !local(g.variant) || seen[g.variant.Size] {
			continue
		}
		seen[g.variant.Size] = true
		for _, other := range workersOf(groups, g.variant.Size, w.function.variant.MemoryMB, w.function.variant.Engine) {
			if other.function.variant.Size == g.variant.Size {
				all = append(all, other)
			}
		}
	}
	return all
}

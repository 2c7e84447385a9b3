package report

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/plan"
)

// The report and the plan compute the same bills and latencies from the same runs.
func TestReportAndPlanAgree(t *testing.T) {
	var p measurement.Plan
	for _, engine := range []string{measurement.TensorFlow, measurement.ONNX} {
		p.Variants = append(p.Variants,
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 512, Jobs: 20, Threads: 1},
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 512, Jobs: 20, Threads: 2, MemoryMB: 3007, PeriodMS: 20},
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 512, Jobs: 1, Threads: 2, MemoryMB: 3007, PeriodMS: 20, Evicted: true},
			measurement.Variant{System: measurement.Service, Engine: engine, Size: 256, Jobs: 1, Threads: 1, NFS: true, LatencyMS: 2, ReadAhead: true})
	}
	p.Repetitions, p.Seed = 2, 20
	dir := synthetic(t, p)
	f, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	prices, err := table()
	if err != nil {
		t.Fatal(err)
	}
	times, err := plan.Measured(f.runs, dir, 512)
	if err != nil {
		t.Fatal(err)
	}
	const days = 28
	made, err := plan.Make(t.Context(), plan.Request{
		Load: plan.Load{JobsPerDay: 500, Pattern: plan.Poisson}, Size: 512, P95: goal, Prices: prices, Times: times, Seed: f.plan.Seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	arrived, err := arrivals.Poisson(random(1), 500/day, days*day)
	if err != nil {
		t.Fatal(err)
	}
	all := workers(f.groups(f.processors()[0]), 3007)
	if len(all) != 2 {
		t.Fatalf("%d engines", len(all))
	}
	for i := range all {
		if err := all[i].simulate(f.plan.Seed, 1000); err != nil {
			t.Fatal(err)
		}
		rows, err := all[i].bills(&f, prices, loadCase{"500", arrived, days * day})
		if err != nil {
			t.Fatal(err)
		}
		engine := all[i].function.variant.Engine
		for _, c := range []struct {
			deployment, most string
			kind             plan.Kind
		}{{"functions", "5", plan.Function}, {"always-on instances", "1", plan.AlwaysOn}, {"one machine", "1", plan.OneMachine}, {"instances from zero", "2", plan.FromZero}} {
			r := slices.IndexFunc(rows, func(r []string) bool {
				return r[1] == c.deployment && slices.Contains(strings.Split(r[10], " or "), c.most)
			})
			n := slices.IndexFunc(made.Candidates, func(p plan.Candidate) bool {
				return p.Kind == c.kind && p.Engine == engine && (p.MemoryMB == 3007 || p.InstanceType == "c7i.large")
			})
			if r < 0 || n < 0 {
				t.Fatalf("%+v: row %d, candidate %d", c, r, n)
			}
			row, planned := rows[r], made.Candidates[n]
			for _, figure := range []struct {
				name      string
				got, want float64
			}{{"paints for", number(t, row[4]), planned.Compute}, {"costs", number(t, row[5]), planned.USD.Estimate}, {"p50", number(t, row[6]), planned.P50.Estimate}, {"p95", number(t, row[7]), planned.Latency.Estimate}} {
				if math.Abs(figure.got/figure.want-1) > 0.03 {
					t.Errorf("%s with %s, %s: %v in the report, %v in the plan", c.deployment, engine, figure.name, figure.got, figure.want)
				}
			}
		}
	}
}

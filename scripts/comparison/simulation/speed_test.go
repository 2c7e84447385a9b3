package simulation_test

import (
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// BenchmarkJobs reports the number of jobs simulated a second, for one day with a million jobs.
func BenchmarkJobs(b *testing.B) {
	times, err := arrivals.Poisson(seeded(1), 1e6/86400, 86400)
	if err != nil {
		b.Fatal(err)
	}
	l := simulation.Load{Arrivals: times, Work: simulation.Exponential(0.5), Duration: 86400, Seed: 1}
	f := function()
	for _, c := range []struct {
		name string
		run  func() (simulation.Result, error)
	}{
		{"queued", func() (simulation.Result, error) { return simulation.Queued(l, f, simulation.DefaultMapping(20)) }},
		{"synchronous", func() (simulation.Result, error) { return simulation.Synchronous(l, f) }},
		{"fixed", func() (simulation.Result, error) {
			return simulation.Fleet(l, simulation.Instances{Slots: 4, Processors: 2, Minimum: 4, Maximum: 4})
		}},
		{"scaled", func() (simulation.Result, error) {
			return simulation.Fleet(l, simulation.Instances{
				Slots: 2, Processors: 2, Boot: simulation.Constant(60), Maximum: 8, Policy: simulation.BacklogPolicy(30),
			})
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			jobs := 0
			for b.Loop() {
				r, err := c.run()
				if err != nil {
					b.Fatal(err)
				}
				jobs += r.Usage.Jobs
			}
			b.ReportMetric(float64(jobs)/b.Elapsed().Seconds(), "jobs/s")
		})
	}
}

// function returns a function whose environments start in a second, without cold reads.
func function() simulation.Function {
	return simulation.Function{
		Place: simulation.Constant(0.2), Init: simulation.Constant(0.8),
		KeepAlive: 600, Lifetime: simulation.LifetimeSeconds, Concurrency: 1000, JobsAtOnce: 1, Processors: 1,
	}
}

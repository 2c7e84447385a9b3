package simulation_test

import (
	"slices"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// Image jobs of 23 days: properties of scenarios that hold for all of their values.
func TestScenariosOfImageJobs(t *testing.T) {
	times, err := arrivals.Images(seeded(1), arrivals.ImagesPerHour, 23)
	if err != nil {
		t.Fatal(err)
	}
	const duration = 23 * 86400
	load := simulation.Load{Arrivals: times, Work: simulation.Exponential(2), Duration: duration, Seed: 1}

	t.Run("a longer keep-alive causes fewer cold starts", func(t *testing.T) {
		var cold []int
		for _, keepAlive := range simulation.KeepAlives() {
			f := function()
			f.KeepAlive = keepAlive
			cold = append(cold, finished(t)(simulation.Queued(load, f, simulation.DefaultMapping(5))).Usage.ColdStarts)
		}
		t.Logf("of %d jobs with keep-alive %v: %d", len(times), simulation.KeepAlives(), cold)
		if !slices.IsSortedFunc(cold, func(a, b int) int { return b - a }) || cold[0] == cold[2] {
			t.Errorf("got %d cold starts", cold)
		}
	})

	t.Run("a slower processor is busy for longer", func(t *testing.T) {
		slow := load
		slow.Work = simulation.Scaled(load.Work, 1/simulation.SpeedRatios()[0])
		fleet := simulation.Instances{Slots: 2, Processors: 2, Minimum: 1, Maximum: 1}
		a, b := finished(t)(simulation.Fleet(load, fleet)), finished(t)(simulation.Fleet(slow, fleet))
		if ratio := b.Usage.BusySeconds / a.Usage.BusySeconds; ratio < 1.42 || ratio > 1.44 {
			t.Errorf("busy for %.3f times as long, want 1/0.7", ratio)
		}
	})

	t.Run("instances from zero are billed for less time, and jobs wait for them", func(t *testing.T) {
		always := finished(t)(simulation.Fleet(load, simulation.Instances{Slots: 2, Processors: 2, Minimum: 1, Maximum: 1}))
		fromZero := finished(t)(simulation.Fleet(load, simulation.Instances{
			Slots: 2, Processors: 2, Boot: simulation.Constant(90), Maximum: 2, Policy: simulation.BacklogPolicy(30),
		}))
		a, z := always.Usage, fromZero.Usage
		t.Logf("billed %.0f of %.0f s with %d launches", z.InstanceSeconds, a.InstanceSeconds, z.Launches)
		if a.InstanceSeconds != duration || z.InstanceSeconds >= a.InstanceSeconds || z.InstanceSeconds < z.BusySeconds/4 {
			t.Errorf("billed for %g and %g s", a.InstanceSeconds, z.InstanceSeconds)
		}
		if slices.Max(fromZero.Latencies()) < 90+60 {
			t.Error("no job waited for an instance to boot")
		}
	})
}

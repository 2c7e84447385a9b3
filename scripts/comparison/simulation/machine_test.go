package simulation_test

import (
	"fmt"
	"math"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// idle returns a machine whose parts take no time.
func idle() simulation.Machine {
	none := simulation.Constant(0)
	return simulation.Machine{Processors: 2, Before: none, Delay: none, After: none, Beside: none, Environments: 1, JobsAtOnce: 2, Demand: 1}
}

// The stages of jobs on a machine with two processors, calculated by hand.
func TestLocalStages(t *testing.T) {
	for name, c := range map[string]struct {
		arrivals []float64
		work     float64
		change   func(*simulation.Machine)
		finished []float64
		cold     int
	}{
		"one after the other":                                      {[]float64{0, 5}, 1, nil, []float64{1, 6}, 0},
		"each has a processor":                                     {[]float64{0, 0}, 1, nil, []float64{1, 1}, 0},
		"the third waits for a place":                              {[]float64{0, 0, 0}, 1, nil, []float64{1, 1, 2}, 0},
		"jobs that occupy two processors halve each other's speed": {[]float64{0, 0}, 1, func(m *simulation.Machine) { m.Demand = 2 }, []float64{2, 2}, 0},
		"one alone uses both":                                      {[]float64{0}, 1, func(m *simulation.Machine) { m.Demand = 2 }, []float64{1}, 0},
		"two take longer than one by the slowdown":                 {[]float64{0, 0, 5}, 1, func(m *simulation.Machine) { m.Slowdown = 0.25 }, []float64{1.25, 1.25, 6}, 0},
		"before, delay and after": {[]float64{0}, 1, func(m *simulation.Machine) {
			m.Before, m.Delay, m.After = simulation.Constant(0.25), simulation.Constant(0.5), simulation.Constant(0.125)
		}, []float64{1.875}, 0},
		// The second job's submission shares two processors with two jobs from 1 to 1.3 s.
		"submissions slow down work": {[]float64{0, 0, 1}, 2, func(m *simulation.Machine) { m.Before = simulation.Constant(0.2) }, []float64{2.3, 2.3, 4.3}, 0},
		// After its work, the first job takes half of the only processor from the second.
		"work after a job slows down others": {[]float64{0, 0}, 1, func(m *simulation.Machine) {
			m.Beside, m.JobsAtOnce = simulation.Constant(10), 1
			m.Processors = 1
		}, []float64{1, 3}, 0},
		"the first job starts the environment, and the second waits for it": {[]float64{0, 0.5, 4}, 1, func(m *simulation.Machine) { m.Start = simulation.Constant(2) },
			[]float64{3, 3, 5}, 1},
		"an environment ends after the idle time, and not before": {[]float64{0, 4, 6.5}, 1, func(m *simulation.Machine) {
			m.Start, m.Idle = simulation.Constant(0.5), 2
		}, []float64{1.5, 5.5, 7.5}, 2},
		"an ended environment leaves its place": {[]float64{0, 0, 9, 9}, 1, func(m *simulation.Machine) {
			m.Start, m.Environments, m.JobsAtOnce, m.Idle = simulation.Constant(0.5), 2, 1, 2
		}, []float64{1.5, 1.5, 10.5, 10.5}, 4},
		"each of two jobs starts its own environment": {[]float64{0, 0.5, 4}, 1, func(m *simulation.Machine) {
			m.Start, m.Environments, m.JobsAtOnce = simulation.Constant(2), 2, 1
		}, []float64{3, 3.5, 5}, 2},
	} {
		m := idle()
		if c.change != nil {
			c.change(&m)
		}
		r := finished(t)(simulation.Local(simulation.Load{Arrivals: c.arrivals, Work: simulation.Constant(c.work)}, m))
		for i, want := range c.finished {
			near(t, fmt.Sprintf("%s: job %d finished", name, i), r.Jobs[i].Finished, want)
		}
		cold := 0
		for _, j := range r.Jobs {
			if j.Cold {
				cold++
			}
		}
		if cold != c.cold || r.Usage.ColdStarts != c.cold {
			t.Errorf("%s: %d jobs were cold, of %d starts, want %d", name, cold, r.Usage.ColdStarts, c.cold)
		}
	}
}

func TestLocalParameters(t *testing.T) {
	for name, change := range map[string]func(*simulation.Machine){
		"processors": func(m *simulation.Machine) { m.Processors = 0 }, "demand": func(m *simulation.Machine) { m.Demand = 0 },
		"delay": func(m *simulation.Machine) { m.Delay = nil }, "places": func(m *simulation.Machine) { m.JobsAtOnce = 0 },
	} {
		m := idle()
		change(&m)
		if _, err := simulation.Local(simulation.Load{Work: simulation.Constant(1)}, m); err == nil {
			t.Errorf("invalid %s were accepted", name)
		}
	}
}

// If only the work takes time, a machine gives the same times for the same jobs as a fixed
// instance.
func TestLocalMatchesAnInstance(t *testing.T) {
	times, err := arrivals.Poisson(seeded(3), 1.6, 2000)
	if err != nil {
		t.Fatal(err)
	}
	load := simulation.Load{Arrivals: times, Work: simulation.Exponential(1), Seed: 3}
	local := finished(t)(simulation.Local(load, idle()))
	fleet := finished(t)(simulation.Fleet(load, simulation.Instances{Slots: 2, Processors: 2, Minimum: 1, Maximum: 1}))
	for i, j := range local.Jobs {
		if other := fleet.Jobs[i]; math.Abs(j.Begun-other.Begun) > 1e-6 || math.Abs(j.Finished-other.Finished) > 1e-6 {
			t.Fatalf("job %d ran from %g to %g s, on an instance from %g to %g", i, j.Begun, j.Finished, other.Begun, other.Finished)
		}
	}
}

// Two submissions of 0.5 s and jobs of 1 s that occupy 80% of a processor use 2.6 processor
// seconds. Two jobs at once take 1.25 s each with the slowdown.
func TestLocalProcessorSeconds(t *testing.T) {
	m := idle()
	m.Before, m.Demand = simulation.Constant(0.5), 0.8
	load := simulation.Load{Arrivals: []float64{0, 5}, Work: simulation.Constant(1)}
	near(t, "one after the other", finished(t)(simulation.Local(load, m)).Usage.ProcessorSeconds, 2*(0.5+0.8))
	m.Before, m.Demand, m.Slowdown = simulation.Constant(0), 1, 0.25
	load.Arrivals = []float64{0, 0}
	near(t, "at once", finished(t)(simulation.Local(load, m)).Usage.ProcessorSeconds, 2*1.25)
}

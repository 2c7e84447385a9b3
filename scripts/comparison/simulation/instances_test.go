package simulation_test

import (
	"fmt"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

func ExampleFleet() {
	r, _ := simulation.Fleet(
		simulation.Load{Arrivals: []float64{0, 0, 0}, Work: simulation.Constant(2), Duration: 3600, Seed: 1},
		simulation.Instances{Slots: 1, Processors: 2, Minimum: 1, Maximum: 1})
	for _, j := range r.Jobs {
		fmt.Printf("wait %.0f s, latency %.0f s\n", j.Taken-j.Arrival, j.Finished-j.Arrival)
	}
	fmt.Printf("paid for %.0f s\n", r.Usage.InstanceSeconds)
	// Output:
	// wait 0 s, latency 2 s
	// wait 2 s, latency 4 s
	// wait 4 s, latency 6 s
	// paid for 3600 s
}

// The first job at 10 s is in the datapoint of the first minute, which is visible a minute later.
// The instance receives the job when it has booted.
func TestFromZero(t *testing.T) {
	i := simulation.Instances{
		Slots: 2, Processors: 2, Boot: simulation.Constant(65), Maximum: 4, Policy: simulation.BacklogPolicy(30),
	}
	r := finished(t)(simulation.Fleet(simulation.Load{Arrivals: []float64{10}, Work: simulation.Constant(1), Duration: 7200}, i))
	near(t, "taken", r.Jobs[0].Taken, 60+60+65)
	// Busy until 186 s. Of the datapoints without work, from 300 s on, the fifteenth (1140 s) is
	// visible at 1200 s.
	near(t, "paid", r.Usage.InstanceSeconds, 1200-120)
	if u := r.Usage; u.Launches != 1 || u.Peak != 1 || u.Seconds != 7200 {
		t.Errorf("got %+v, want one launch", u)
	}
	nothing := finished(t)(simulation.Fleet(simulation.Load{Work: simulation.Constant(1), Duration: 7200}, i))
	if u := nothing.Usage; u.Launches != 0 || u.InstanceSeconds != 0 {
		t.Errorf("without jobs: got %+v, want no instance", u)
	}
}

// 600 jobs at once with a target of 30 per instance: twenty would be needed.
func TestBacklogLaunchesInstances(t *testing.T) {
	for maximum, launches := range map[int]int{4: 4, 100: 20} {
		r := finished(t)(simulation.Fleet(
			simulation.Load{Arrivals: make([]float64, 600), Work: simulation.Constant(10), Duration: 7200},
			simulation.Instances{
				Slots: 2, Processors: 2, Boot: simulation.Constant(60), Minimum: 1, Maximum: maximum, Policy: simulation.BacklogPolicy(30),
			}))
		// The third datapoint, of the minute to 180 s, is visible at 240 s. The backlog falls by 12
		// a minute from 600, to 571 on average in that minute: 19.03 instances.
		if u := r.Usage; u.Launches != launches || u.Peak != u.Launches {
			t.Errorf("maximum %d: got %d launches and %d in service, want %d", maximum, u.Launches, u.Peak, launches)
		}
		atOnce := 0
		for _, j := range r.Jobs {
			if j.Taken == 300 {
				atOnce++
			}
		}
		if atOnce < 2*min(maximum, launches) {
			t.Errorf("maximum %d: %d jobs were received when the instances had booted, at 300 s", maximum, atOnce)
		}
		for _, j := range r.Jobs[:60] {
			if j.Taken > 301 {
				t.Fatalf("maximum %d: one of the first sixty jobs was received at %g s", maximum, j.Taken)
			}
		}
		if last := r.Usage.InstanceSeconds; last > 7200+float64(r.Usage.Launches)*2700 {
			t.Errorf("maximum %d: instances were billed for %g s, although the work ended after minutes", maximum, last)
		}
	}
}

// Managed instances: at least three, scaled by the share of busy slots, with several requests at
// once per processor.
func TestBusyShareLaunchesInstances(t *testing.T) {
	i := simulation.Instances{
		Slots: 4, Processors: 2, Boot: simulation.Constant(60), Minimum: simulation.ManagedInstances, Maximum: 20, Policy: simulation.BusySharePolicy(0.5),
	}
	quiet := finished(t)(simulation.Fleet(simulation.Load{Arrivals: every(4, 7200), Work: simulation.Constant(1), Duration: 7200}, i))
	if u := quiet.Usage; u.Launches != 3 || u.InstanceSeconds != 3*7200 {
		t.Errorf("at little load: got %+v, want the minimum of three", u)
	}
	busy := finished(t)(simulation.Fleet(simulation.Load{Arrivals: every(0.125, 7200), Work: simulation.Constant(1), Duration: 7200}, i))
	if u := busy.Usage; u.Peak <= 4 || u.Peak > 12 {
		t.Errorf("at eight processors' load: got %d instances, want several more than the minimum", u.Peak)
	}
}

// Running jobs count as backlog: an instance stays while it has one, and for a quarter of an hour
// after it.
func TestLongJobKeepsItsInstance(t *testing.T) {
	i := simulation.Instances{
		Slots: 1, Processors: 1, Boot: simulation.Constant(60), Maximum: 1, Policy: simulation.BacklogPolicy(30),
	}
	r := finished(t)(simulation.Fleet(simulation.Load{Arrivals: []float64{0}, Work: simulation.Constant(5000), Duration: 7200}, i))
	near(t, "finished", r.Jobs[0].Finished, 180+5000)
	// The minute to 5220 s had work. Of those after it the fifteenth, to 6120 s, is visible at 6180
	// s.
	near(t, "paid", r.Usage.InstanceSeconds, 6180-120)
}

// Short jobs keep the instance too, if there is one at least every quarter of an hour.
func TestRareJobsKeepTheInstance(t *testing.T) {
	for gap, launches := range map[float64]int{14 * 60: 1, 20 * 60: 6} {
		r := finished(t)(simulation.Fleet(
			simulation.Load{Arrivals: every(gap, 6*gap), Work: simulation.Constant(0.1), Duration: 6 * gap},
			simulation.Instances{Slots: 1, Processors: 1, Boot: simulation.Constant(60), Maximum: 2, Policy: simulation.BacklogPolicy(30)}))
		if got := r.Usage.Launches; got != launches {
			t.Errorf("a job every %g s: %d launches, want %d", gap, got, launches)
		}
	}
}

// A draining instance finishes its job and receives no more. With eleven jobs, one more than the
// target, the second instance receives the last one when it is in service, at 480 s. The first
// instance finishes its first job at 2180 s; ten are left then, a backlog for one instance, which
// is visible at 2280 s.
func TestDraining(t *testing.T) {
	r := finished(t)(simulation.Fleet(
		simulation.Load{Arrivals: make([]float64, 11), Work: simulation.Constant(2000)},
		simulation.Instances{
			Slots: 1, Processors: 1, Boot: simulation.Constant(60), Maximum: 2, Policy: simulation.BacklogPolicy(10.5),
		}))
	near(t, "the job of the draining instance", r.Jobs[2].Finished, 4180)
	for n, j := range r.Jobs[3:] {
		if j.Worker == r.Jobs[2].Worker {
			t.Errorf("job %d was received at %g s by the draining instance", n+3, j.Taken)
		}
	}
	near(t, "billed until the job has ended, and until the last one has", r.Usage.InstanceSeconds, 4180-120+18_480-420)
}

// Between the shares for scaling out and in nothing changes: long jobs keep the backlog at 10,
// which is 0.94 of the target for two instances.
func TestNoScalingOnTarget(t *testing.T) {
	r := finished(t)(simulation.Fleet(
		simulation.Load{Arrivals: make([]float64, 12), Work: simulation.Constant(20_000)},
		simulation.Instances{
			Slots: 1, Processors: 1, Boot: simulation.Constant(60), Maximum: 2, Policy: simulation.BacklogPolicy(5.3),
		}))
	for i, want := range []float64{180, 480, 20_180, 20_480} {
		near(t, fmt.Sprintf("job %d received", i), r.Jobs[i].Taken, want)
	}
}

func TestBilledSecondsAndPolls(t *testing.T) {
	fixed := simulation.Instances{Slots: 1, Processors: 1, Minimum: 2, Maximum: 2}
	idle := finished(t)(simulation.Fleet(simulation.Load{Work: simulation.Constant(1), Duration: 3600}, fixed))
	near(t, "paid", idle.Usage.InstanceSeconds, 2*3600)
	near(t, "empty receives, 3 a minute per instance", idle.Usage.EmptyReceives, 2*180)
	short := finished(t)(simulation.Fleet(simulation.Load{Arrivals: []float64{0}, Work: simulation.Constant(30)}, fixed))
	near(t, "minimum billed", short.Usage.InstanceSeconds, 2*60)
	near(t, "empty receives of the instance without a job", short.Usage.EmptyReceives, 1.5)
}

package simulation_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

func ExampleQueued() {
	r, _ := simulation.Queued(
		simulation.Load{Arrivals: []float64{0, 10}, Work: simulation.Constant(2), Duration: 60, Seed: 1},
		simulation.Function{
			Place: simulation.Constant(0.2), Init: simulation.Constant(0.8),
			KeepAlive: 600, Concurrency: 10, JobsAtOnce: 1, Processors: 1,
		},
		simulation.DefaultMapping(5))
	for _, j := range r.Jobs {
		fmt.Printf("cold %v: latency %.1f s\n", j.Cold, j.Finished-j.Arrival)
	}
	fmt.Printf("billed %.1f s\n", r.Usage.BilledSeconds)
	// Output:
	// cold true: latency 3.0 s
	// cold false: latency 2.0 s
	// billed 4.8 s
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6 {
		t.Errorf("%s: got %.6f, want %.6f", what, got, want)
	}
}

// coldAt returns the arrivals of jobs that started an environment.
func coldAt(r simulation.Result) (cold []float64) {
	for _, j := range r.Jobs {
		if j.Cold {
			cold = append(cold, j.Arrival)
		}
	}
	return cold
}

func every(seconds, until float64) (times []float64) {
	for i := 0.0; i*seconds < until; i++ {
		times = append(times, i*seconds)
	}
	return times
}

func TestEnvironments(t *testing.T) {
	for _, c := range []struct {
		name     string
		change   func(*simulation.Function)
		arrivals []float64
		cold     []float64
		existed  float64 // seconds of environments, of 10,000 s
	}{
		{"reused within keep-alive", nil, []float64{0, 600, 1201}, []float64{0}, 1202 + 600},
		{"ended after it", nil, []float64{0, 602.5}, []float64{0, 602.5}, 602 + 602},
		{"one for each request at once", nil, []float64{0, 0, 0, 100}, []float64{0, 0, 0}, 602 + 602 + 701},
		// The older one ends at 602, because the newest takes every request.
		{"newest first", nil, slices.Concat([]float64{0, 0}, every(100, 1001)[1:], []float64{1050, 1050}), []float64{0, 0, 1050}, 602 + 1051 + 600 + 602},
		{"replaced when old", func(f *simulation.Function) { f.Lifetime = 900 }, every(250, 2001), []float64{0, 1000, 2000}, 900 + 900 + 602},
		{"still existing at the end", func(f *simulation.Function) { f.KeepAlive = 1e6 }, []float64{0}, []float64{0}, 10_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := function()
			f.Lifetime = 0
			if c.change != nil {
				c.change(&f)
			}
			r := finished(t)(simulation.Synchronous(simulation.Load{Arrivals: c.arrivals, Work: simulation.Constant(1), Duration: 10_000}, f))
			if got := coldAt(r); !slices.Equal(got, c.cold) {
				t.Errorf("cold starts: got at %v, want at %v", got, c.cold)
			}
			near(t, "seconds of environments", r.Usage.EnvironmentSeconds, c.existed)
			near(t, "billed", r.Usage.BilledSeconds, float64(len(c.arrivals))+0.8*float64(len(c.cold)))
			near(t, "init", r.Usage.InitSeconds, 0.8*float64(len(c.cold)))
		})
	}
}

func TestExcessRequestsAreRejected(t *testing.T) {
	f := function()
	f.Concurrency = 2
	r := finished(t)(simulation.Synchronous(simulation.Load{Arrivals: []float64{0, 0, 1, 5}, Work: simulation.Constant(1)}, f))
	if u := r.Usage; u.Jobs != 3 || u.Rejected != 1 || u.Invocations != 3 || !r.Jobs[2].Rejected || u.Peak != 2 {
		t.Errorf("got %+v, want the third of four rejected", u)
	}
}

// Environments that start at the same time share the file system's throughput.
func TestColdReadsShareThroughput(t *testing.T) {
	for _, c := range []struct {
		name              string
		throughput, each  float64
		arrivals, startIn []float64 // seconds from the first arrival to the beginning of work
	}{
		{"alone", 100, 0, []float64{0}, []float64{2}},
		{"herd of four", 100, 0, []float64{0, 0, 0, 0}, []float64{5, 5, 5, 5}},
		{"one joins", 100, 0, []float64{0, 0.5}, []float64{2.5, 3}},
		{"limits of their own", 100, 50, []float64{0, 0.5}, []float64{3, 3.5}},
		{"third beyond the limits", 100, 50, []float64{0, 0, 0}, []float64{4, 4, 4}},
		{"no limit", 0, 0, []float64{0, 0}, []float64{1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := function()
			f.ColdReadBytes, f.Throughput, f.EnvironmentThroughput = 100, c.throughput, c.each
			r := finished(t)(simulation.Synchronous(simulation.Load{Arrivals: c.arrivals, Work: simulation.Constant(1)}, f))
			for i, j := range r.Jobs {
				near(t, fmt.Sprintf("start of job %d", i), j.Begun, c.startIn[i])
			}
			near(t, "bytes", r.Usage.ColdReadBytes, 100*float64(len(c.arrivals)))
		})
	}
}

// A mapping starts with 5 invocations at once and adds up to 300 a minute.
func TestMappingRamp(t *testing.T) {
	f := function()
	f.Place, f.Init = simulation.Constant(0), simulation.Constant(0)
	load := simulation.Load{Arrivals: make([]float64, 10_000), Work: simulation.Constant(45), Duration: 7200}
	for _, c := range []struct {
		maximum int
		want    map[float64]int // invocations at once
	}{
		{0, map[float64]int{1: 5, 59: 5, 61: 305, 119: 305, 121: 605, 181: 905, 241: 1000, 301: 1000}},
		{100, map[float64]int{1: 5, 61: 100, 121: 100}},
		{2, map[float64]int{1: 2, 61: 2, 500: 2}},
	} {
		r := finished(t)(simulation.Queued(load, f, simulation.DefaultMapping(c.maximum)))
		for at, want := range c.want {
			got := 0
			for _, j := range r.Jobs {
				if j.Taken <= at && at < j.Finished {
					got++
				}
			}
			if got != want {
				t.Errorf("maximum %d: %d invocations at once after %g s, want %d", c.maximum, got, at, want)
			}
		}
	}
}

// After a pause the mapping begins with five invocations again.
func TestMappingScalesBack(t *testing.T) {
	f := function()
	times := append(make([]float64, 1000), slices.Repeat([]float64{7200}, 1000)...)
	r := finished(t)(simulation.Queued(simulation.Load{Arrivals: times, Work: simulation.Constant(30)}, f, simulation.DefaultMapping(0)))
	atOnce := 0
	for _, j := range r.Jobs[1000:] {
		if j.Taken == 7200 {
			atOnce++
		}
	}
	if atOnce != 5 {
		t.Errorf("%d invocations at once after the pause, want 5", atOnce)
	}
}

func TestMappingPolls(t *testing.T) {
	idle := finished(t)(simulation.Queued(simulation.Load{Work: simulation.Constant(1), Duration: 3600}, function(), simulation.DefaultMapping(0)))
	near(t, "empty receives an hour, 5 pollers 3 times a minute", idle.Usage.EmptyReceives, 5*3*60)
	bounded := finished(t)(simulation.Queued(simulation.Load{Work: simulation.Constant(1), Duration: 3600}, function(), simulation.DefaultMapping(2)))
	near(t, "empty receives an hour with a maximum of 2", bounded.Usage.EmptyReceives, 5*3*60)
	busy := finished(t)(simulation.Queued(simulation.Load{Arrivals: make([]float64, 5), Work: simulation.Constant(3599), Duration: 3600}, function(), simulation.DefaultMapping(0)))
	near(t, "empty receives while all pollers are busy", busy.Usage.EmptyReceives, 0)
	if busy.Usage.Receives != 5 {
		t.Errorf("got %d receives, want 5", busy.Usage.Receives)
	}
}

// The jobs of a batch are worked on at the same time and share the environment's processors.
func TestBatches(t *testing.T) {
	f := function()
	f.JobsAtOnce, f.Processors = 2, 1
	m := simulation.DefaultMapping(0)
	m.BatchSize, m.Initial, m.Maximum = 4, 1, 1
	r := finished(t)(simulation.Queued(simulation.Load{Arrivals: make([]float64, 5), Work: simulation.Constant(1)}, f, m))
	var ends []float64
	for _, j := range r.Jobs {
		ends = append(ends, j.Finished)
	}
	// The first job runs alone, the other four as a batch, two at once at half speed.
	for i, want := range []float64{2, 4, 4, 6, 6} {
		near(t, fmt.Sprintf("end of job %d", i), ends[i], want)
	}
	if r.Usage.Invocations != 2 {
		t.Errorf("got %d invocations, want 2", r.Usage.Invocations)
	}
	near(t, "billed", r.Usage.BilledSeconds, 1.8+4)
}

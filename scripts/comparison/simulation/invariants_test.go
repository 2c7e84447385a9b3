package simulation_test

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

func drawLoad(t *rapid.T) simulation.Load {
	random := seeded(rapid.Uint64().Draw(t, "arrivals"))
	var times []float64
	var err error
	if rapid.Bool().Draw(t, "bursts") {
		times, err = arrivals.Bursts{Silence: 700, Jobs: rapid.IntRange(1, 60).Draw(t, "jobs"), Rate: 20, Count: 4}.Times()
	} else {
		times, err = arrivals.Poisson(random, rapid.Float64Range(0.001, 2).Draw(t, "rate"), 500)
	}
	if err != nil {
		t.Fatal(err)
	}
	work := []simulation.Distribution{simulation.Exponential(3), simulation.Constant(0), simulation.Constant(1)}
	return simulation.Load{
		Arrivals: times, Work: rapid.SampledFrom(work).Draw(t, "work"), Duration: rapid.Float64Range(0, 5000).Draw(t, "duration"),
		Seed: rapid.Uint64().Draw(t, "seed"),
	}
}

func drawFunction(t *rapid.T) simulation.Function {
	return simulation.Function{
		Place: simulation.Constant(0.1), Init: simulation.Exponential(2),
		ColdReadBytes:         float64(rapid.IntRange(0, 300).Draw(t, "bytes")),
		Throughput:            float64(rapid.IntRange(0, 100).Draw(t, "throughput")),
		EnvironmentThroughput: float64(rapid.IntRange(0, 50).Draw(t, "each")),
		KeepAlive:             float64(rapid.IntRange(0, 600).Draw(t, "keep-alive")),
		Lifetime:              float64(rapid.IntRange(0, 900).Draw(t, "lifetime")),
		Concurrency:           rapid.IntRange(1, 20).Draw(t, "concurrency"),
		JobsAtOnce:            rapid.IntRange(1, 4).Draw(t, "at once"),
		Processors:            float64(rapid.IntRange(1, 3).Draw(t, "processors")),
	}
}

// Every job is finished exactly once or rejected, in no less time than its work takes; no more jobs
// run at once than there is room for; sums agree; the same seed gives the same result.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLoad(t)
		var run func() (simulation.Result, error)
		transit, room := 0.0, 0
		kind := rapid.SampledFrom([]string{"queued", "synchronous", "fleet"}).Draw(t, "kind")
		switch kind {
		case "queued":
			f := drawFunction(t)
			m := simulation.Mapping{
				Transit: rapid.Float64Range(0, 3).Draw(t, "transit"), BatchSize: rapid.IntRange(1, 10).Draw(t, "batch"),
				Initial: rapid.IntRange(1, 5).Draw(t, "initial"), Step: rapid.IntRange(0, 5).Draw(t, "step"),
				StepSeconds: 10, Maximum: rapid.IntRange(1, 15).Draw(t, "maximum"),
			}
			transit, room = m.Transit, min(m.Maximum, f.Concurrency)*f.JobsAtOnce
			run = func() (simulation.Result, error) { return simulation.Queued(l, f, m) }
		case "synchronous":
			f := drawFunction(t)
			room = f.Concurrency
			run = func() (simulation.Result, error) { return simulation.Synchronous(l, f) }
		case "fleet":
			i := simulation.Instances{
				Transit: rapid.Float64Range(0, 3).Draw(t, "transit"),
				Slots:   rapid.IntRange(1, 4).Draw(t, "slots"), Processors: float64(rapid.IntRange(1, 3).Draw(t, "processors")),
				Boot: simulation.Exponential(90), Minimum: rapid.IntRange(0, 3).Draw(t, "minimum"),
				Policy: simulation.BacklogPolicy(float64(rapid.IntRange(1, 20).Draw(t, "backlog"))),
			}
			i.Maximum = max(1, i.Minimum) + rapid.IntRange(0, 4).Draw(t, "more")
			if rapid.Bool().Draw(t, "busy share") {
				i.Policy = simulation.BusySharePolicy(0.6)
			}
			transit, room = i.Transit, math.MaxInt // draining instances may exceed the maximum
			if i.Minimum == i.Maximum {
				room = i.Maximum * i.Slots
			}
			run = func() (simulation.Result, error) { return simulation.Fleet(l, i) }
		}
		r, err := run()
		if err != nil {
			t.Fatal(err)
		}
		checkJobs(t, l, r, transit, room)
		if again, _ := run(); !reflect.DeepEqual(r, again) {
			t.Fatal("the same seed gave another result")
		}
	})
}

func checkJobs(t *rapid.T, l simulation.Load, r simulation.Result, transit float64, room int) {
	u := r.Usage
	if len(r.Jobs) != len(l.Arrivals) || u.Jobs+u.Rejected != len(l.Arrivals) {
		t.Fatalf("%d jobs became %d: %d finished, %d rejected", len(l.Arrivals), len(r.Jobs), u.Jobs, u.Rejected)
	}
	type change struct {
		at float64
		by int
	}
	var changes []change
	busy, cold, previous := 0.0, 0, 0.0
	const rounding = 1e-6
	for i, j := range r.Jobs {
		if j.Arrival != l.Arrivals[i] {
			t.Fatalf("job %d arrived at %g, not %g", i, j.Arrival, l.Arrivals[i])
		}
		if j.Rejected {
			continue
		}
		if j.Taken < j.Arrival+transit || j.Begun < j.Taken || j.Finished < j.Begun+j.Work-rounding || j.Finished > u.Seconds {
			t.Fatalf("job %d has times out of order: %+v of %g s", i, j, u.Seconds)
		}
		if j.Taken < previous {
			t.Fatalf("job %d was received before an earlier one", i)
		}
		previous = j.Taken
		busy += j.Finished - j.Begun
		if j.Cold {
			cold++
		}
		changes = append(changes, change{j.Begun, 1}, change{j.Finished, -1})
	}
	if math.Abs(busy-u.BusySeconds) > rounding*(1+busy) {
		t.Fatalf("busy for %g s, the sum over the jobs is %g", u.BusySeconds, busy)
	}
	if cold < u.ColdStarts || u.ColdStarts > u.Invocations {
		t.Fatalf("%d cold starts of %d invocations with %d cold jobs", u.ColdStarts, u.Invocations, cold)
	}
	if u.Seconds < l.Duration || u.EmptyReceives < -rounding || u.EnvironmentSeconds < 0 {
		t.Fatalf("usage is not possible: %+v", u)
	}
	slices.SortFunc(changes, func(a, b change) int {
		if a.at != b.at {
			if a.at < b.at {
				return -1
			}
			return 1
		}
		return a.by - b.by // ends before begins
	})
	running := 0
	for _, c := range changes {
		if running += c.by; running > room {
			t.Fatalf("%d jobs at once at %g s, want at most %d", running, c.at, room)
		}
	}
}

func TestSystemsGetTheSameWork(t *testing.T) {
	l := simulation.Load{Arrivals: every(1, 300), Work: simulation.Exponential(1), Seed: 9}
	a := finished(t)(simulation.Synchronous(l, function()))
	b := finished(t)(simulation.Fleet(l, simulation.Instances{Slots: 1, Processors: 1, Minimum: 2, Maximum: 2}))
	for i := range a.Jobs {
		if a.Jobs[i].Work != b.Jobs[i].Work {
			t.Fatalf("job %d: %g s of work in one system, %g in the other", i, a.Jobs[i].Work, b.Jobs[i].Work)
		}
	}
}

func TestDistributions(t *testing.T) {
	d, err := simulation.Empirical([]float64{1, 2, 4})
	if err != nil {
		t.Fatal(err)
	}
	random, seen := seeded(1), map[float64]int{}
	for range 30_000 {
		seen[simulation.Scaled(d, 10)(random)]++
	}
	for _, v := range []float64{10, 20, 40} {
		if n := seen[v]; n < 9_700 || n > 10_300 {
			t.Errorf("%g was drawn %d times of 30,000, want a third", v, n)
		}
	}
	for _, values := range [][]float64{nil, {1, -1}, {math.NaN()}, {math.Inf(1)}} {
		if _, err := simulation.Empirical(values); err == nil {
			t.Errorf("of %v: got no error", values)
		}
	}
}

func TestInvalidParametersAreRefused(t *testing.T) {
	good := simulation.Load{Arrivals: []float64{0, 1}, Work: simulation.Constant(1), Duration: 10}
	fixed := simulation.Instances{Slots: 1, Processors: 1, Minimum: 1, Maximum: 1}
	load := func(change func(*simulation.Load)) func() error {
		return func() error { l := good; change(&l); _, err := simulation.Fleet(l, fixed); return err }
	}
	fleet := func(change func(*simulation.Instances)) func() error {
		return func() error { i := fixed; change(&i); _, err := simulation.Fleet(good, i); return err }
	}
	call := func(change func(*simulation.Function)) func() error {
		return func() error { f := function(); change(&f); _, err := simulation.Synchronous(good, f); return err }
	}
	mapped := func(change func(*simulation.Mapping)) func() error {
		return func() error {
			m := simulation.DefaultMapping(0)
			change(&m)
			_, err := simulation.Queued(good, function(), m)
			return err
		}
	}
	for _, c := range []struct {
		want string
		err  func() error
	}{
		{"needs a distribution of work", load(func(l *simulation.Load) { l.Work = nil })},
		{"not sorted", load(func(l *simulation.Load) { l.Arrivals = []float64{2, 1} })},
		{"arrival -1 of job 0", load(func(l *simulation.Load) { l.Arrivals = []float64{-1} })},
		{"the work of job 0 is NaN s", load(func(l *simulation.Load) { l.Work = simulation.Constant(math.NaN()) })},
		{"the work of job 0 is -1 s", load(func(l *simulation.Load) { l.Work = simulation.Constant(-1) })},
		{"a load must last between", load(func(l *simulation.Load) { l.Duration = math.Inf(1) })},
		{"the maximum 1 or more, not 0 to 0", fleet(func(i *simulation.Instances) { i.Minimum, i.Maximum = 0, 0 })},
		{"one slot or more", fleet(func(i *simulation.Instances) { i.Slots = 0 })},
		{"time to boot", fleet(func(i *simulation.Instances) { i.Maximum = 2 })},
		{"one target", fleet(func(i *simulation.Instances) { i.Maximum, i.Boot = 2, simulation.Constant(1) })},
		{"transit", fleet(func(i *simulation.Instances) { i.Transit = math.NaN() })},
		{"concurrency", call(func(f *simulation.Function) { f.Concurrency = 0 })},
		{"keep-alive", call(func(f *simulation.Function) { f.KeepAlive = -1 })},
		{"cold reads", call(func(f *simulation.Function) { f.Throughput = -1 })},
		{"distributions", call(func(f *simulation.Function) { f.Init = nil })},
		{"batch size", mapped(func(m *simulation.Mapping) { m.BatchSize = 0 })},
		{"step", mapped(func(m *simulation.Mapping) { m.StepSeconds = 0 })},
	} {
		if err := c.err(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
}

func TestParametersHaveSources(t *testing.T) {
	for _, p := range simulation.Parameters() {
		if p.Name == "" || p.Source == "" || (p.Origin != simulation.Documented && p.Origin != simulation.Extrapolated) {
			t.Errorf("%+v has no name, source or origin", p)
		}
	}
}

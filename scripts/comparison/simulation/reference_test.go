package simulation_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// newestFirst implements the rule of reuse in the simplest form: of the environments that are
// neither busy nor ended, use the one that was created last.
func newestFirst(arrivals []float64, work, start, keepAlive float64) (used []int32, cold []bool) {
	type environment struct{ idleSince float64 } // in order of creation
	var all []environment
	used, cold = make([]int32, len(arrivals)), make([]bool, len(arrivals))
	for i, at := range arrivals {
		newest := -1
		for k, e := range all {
			if e.idleSince <= at && at <= e.idleSince+keepAlive {
				newest = k
			}
		}
		if newest < 0 {
			used[i], cold[i] = int32(len(all)), true
			all = append(all, environment{at + start + work})
			continue
		}
		used[i] = int32(newest)
		all[newest].idleSince = at + work
	}
	return used, cold
}

func TestNewestEnvironmentIsReused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Times in eighths are exact in any order of addition.
		var times []float64
		at := 0.0
		for _, gap := range rapid.SliceOfN(rapid.IntRange(0, 100), 1, 200).Draw(t, "eighths between arrivals") {
			if gap > 60 {
				gap = 0 // requests at once
			}
			at += float64(gap) / 8
			times = append(times, at)
		}
		work := float64(rapid.IntRange(1, 400).Draw(t, "work")) / 8
		keepAlive := float64(rapid.IntRange(0, 400).Draw(t, "keep-alive")) / 8
		f := function()
		f.Place, f.Init, f.KeepAlive, f.Lifetime = simulation.Constant(0.25), simulation.Constant(0.5), keepAlive, 0
		r, err := simulation.Synchronous(simulation.Load{Arrivals: times, Work: simulation.Constant(work)}, f)
		if err != nil {
			t.Fatal(err)
		}
		used, cold := newestFirst(times, work, 0.75, keepAlive)
		for i, j := range r.Jobs {
			if j.Worker != used[i] || j.Cold != cold[i] {
				t.Fatalf("job %d at %g s: environment %d, cold %v, want %d, %v", i, times[i], j.Worker, j.Cold, used[i], cold[i])
			}
		}
	})
}

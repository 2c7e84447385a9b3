package simulation_test

import (
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/simulation"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// The published example of SimFaaS (PyPI simfaas, Mahmoudi and Khazaei 2021): 0.9 requests a second
// for a million seconds, exponential service of 1.991 s on average, 2.244 s with a cold start,
// environments ended after 600 s idle, the newest used first. Its README shows one run. The others
// are ten runs of version 0.2.2 of the package with numpy's seeds 0 to 9, from which the interval
// is computed that contains a further run with 95% confidence.
func TestSimFaaS(t *testing.T) {
	published := map[string]float64{
		"cold starts": 1213, "environments": 7.6612, "busy environments": 1.7879, "life span": 6335.1337,
	}
	tenRuns := map[string][]float64{
		"cold starts":       {1210, 1249, 1229, 1174, 1237, 1193, 1195, 1229, 1141, 1177},
		"environments":      {7.7043, 7.7034, 7.7040, 7.7006, 7.6988, 7.6723, 7.6874, 7.7504, 7.6688, 7.6806},
		"busy environments": {1.7903, 1.7881, 1.7901, 1.7911, 1.7953, 1.7913, 1.7941, 1.7923, 1.7952, 1.7917},
		"life span":         {6387.87, 6179.31, 6289.04, 6593.52, 6246.98, 6448.86, 6463.55, 6302.91, 6747.15, 6541.33},
	}
	const duration, runs = 1e6, 4
	ours := map[string]float64{}
	for run := range uint64(runs) {
		u := finished(t)(simulation.Synchronous(
			simulation.Load{
				Arrivals: poisson(t, run, 0.9, duration), Work: simulation.Exponential(1.991), Duration: duration, Seed: run,
			},
			simulation.Function{
				Place: simulation.Constant(0), Init: simulation.Constant(2.244 - 1.991),
				KeepAlive: 600, Concurrency: 1000, JobsAtOnce: 1, Processors: 1,
			})).Usage
		ours["cold starts"] += float64(u.ColdStarts) / runs
		ours["environments"] += u.EnvironmentSeconds / u.Seconds / runs
		ours["busy environments"] += (u.BusySeconds + u.InitSeconds) / u.Seconds / runs
		ours["life span"] += u.EnvironmentSeconds / float64(u.ColdStarts) / runs
	}
	for what, values := range tenRuns {
		i, err := statistics.Predict(values, 0, 0.95)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.5g, SimFaaS %.5g to %.5g, published %.5g", what, ours[what], i.Low, i.High, published[what])
		if !i.Holds(ours[what]) {
			t.Errorf("%s: got %.5g, want %.5g to %.5g", what, ours[what], i.Low, i.High)
		}
		if !i.Holds(published[what]) {
			t.Errorf("%s: the published %.5g is not within %.5g to %.5g", what, published[what], i.Low, i.High)
		}
	}
}

package report

import (
	"fmt"
	"math"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// validation returns the section that compares the simulation with theory, with a published
// simulator and with runs.
func validation(f *folder, e effort) (Section, error) {
	s := Section{ID: "validation", Title: "Validation of the simulation", Text: []string{
		"The simulation is compared with theory, with a published simulator, and with runs on this machine that it predicted. A row holds if the simulated figure is within the interval or, for theory, differs by at most three standard errors; otherwise it misses.",
		"The load in the runs is low, so jobs arriving at random seldom wait for each other; the simulated queue is tested mostly by bursts. Jobs at a steady rate, one every 250 ms, arrive in phase with the polls of MiniStack's queue, so delays measured with them differ from those of jobs arriving at random.",
	}}
	queues, err := queueingTheory(e)
	if err != nil {
		return s, err
	}
	published, err := simFaaS()
	if err != nil {
		return s, err
	}
	s.Tables = []Table{queues, published}
	if f.predictions == nil {
		s.Missing = "There are no predictions of runs on this machine. Make the runs from which they are computed with scripts/compare --calibrate, and then the predictions with scripts/compare predict."
		return s, nil
	}
	s.Tables = append(s.Tables, f.predicted())
	if t := f.drift(); len(t.Rows) > 0 {
		s.Tables = append(s.Tables, t)
	}
	s.Text = append(s.Text, f.predictionTexts()...)
	return s, nil
}

// verdict returns the result of a row in words.
func verdict(holds bool) string {
	if holds {
		return "holds"
	}
	return "misses"
}

// queueingTheory returns the table that compares mean latencies of M/M/c with theory.
func queueingTheory(e effort) (Table, error) {
	t := Table{Title: "Queues with random arrivals and service times (M/M/c): mean latency, in service times", Left: 1, Basis: cost.Simulated,
		Columns: []string{"Servers and load", "Theory", "Simulated", "3 standard errors", "Runs", "Result"},
		Notes: []string{
			"Servers and load: c jobs can be served at once, and arrive at this share of the rate that the servers sustain. A latency of 1 is the mean time to serve a job that does not wait.",
			"With more jobs, and standard errors below 0.5%: ATELIER_LONG_TESTS=1 go test -run TestMMc ./scripts/comparison/simulation.",
		}}
	for n, servers := range []int{1, 2, 16} {
		for m, load := range []float64{0.5, 0.8, 0.95} {
			const runs = 20
			rate, jobs := load*float64(servers), float64(e.jobs)
			if load > 0.9 {
				jobs *= 10 // the effect of the empty start lasts longer
			}
			want := 1 + erlangC(servers, rate)/(float64(servers)*(1-load))
			var means []float64
			for run := range uint64(runs) {
				seed := uint64(1000*(3*n+m)) + run //nolint:gosec // small
				times, err := arrivals.Poisson(random(seed), rate, jobs/rate)
				if err != nil {
					return t, err
				}
				r, err := simulation.Fleet(simulation.Load{Arrivals: times, Work: simulation.Exponential(1), Seed: seed},
					simulation.Instances{Slots: servers, Processors: float64(servers), Minimum: 1, Maximum: 1})
				if err != nil {
					return t, err
				}
				all := r.Latencies()
				means = append(means, statistics.Mean(all[len(all)/10:])) // without the first tenth, which starts empty
			}
			got, squares := statistics.Mean(means), 0.0
			for _, v := range means {
				squares += (v - got) * (v - got)
			}
			error3 := 3 * math.Sqrt(squares/(runs-1)/runs)
			t.Rows = append(t.Rows, []string{fmt.Sprintf("%d at %s", servers, exact(load)), figure(want), figure(got), figure(error3), exact(runs), verdict(math.Abs(got-want) <= error3)})
		}
	}
	return t, nil
}

// erlangC returns the probability that a job waits, from the recursion for Erlang B, which does not
// overflow.
func erlangC(servers int, offered float64) float64 {
	b := 1.0
	for k := 1; k <= servers; k++ {
		b = offered * b / (float64(k) + offered*b)
	}
	load := offered / float64(servers)
	return b / (1 - load + load*b)
}

// simFaaS returns the table that compares the simulation with the published example of SimFaaS, as
// ten runs of that package (0.2.2, numpy's seeds 0 to 9).
func simFaaS() (Table, error) {
	t := Table{Title: "The published example of SimFaaS, a simulator of functions, counts", Left: 1, Basis: cost.Simulated,
		Columns: []string{"Figure", "Published", "From", "To", "Ours", "Result"},
		Notes:   []string{"0.9 requests a second arrive at random for a million seconds. A request takes 1.991 s on average, with a cold start 2.244 s, and idle environments are kept for 600 s (Mahmoudi and Khazaei 2021). Environments and busy environments are means over time. From and To are the interval that contains a further run of SimFaaS with 95% confidence, from ten runs of it."}}
	const duration = 1e6
	times, err := arrivals.Poisson(random(0), 0.9, duration)
	if err != nil {
		return t, err
	}
	// One run, because the interval is that of one run.
	r, err := simulation.Synchronous(
		simulation.Load{Arrivals: times, Work: simulation.Exponential(1.991), Duration: duration, Seed: 0},
		simulation.Function{Place: simulation.Constant(0), Init: simulation.Constant(2.244 - 1.991), KeepAlive: 600, Concurrency: 1000, JobsAtOnce: 1, Processors: 1})
	if err != nil {
		return t, err
	}
	u := r.Usage
	ours := map[string]float64{
		"cold starts": float64(u.ColdStarts), "environments": u.EnvironmentSeconds / u.Seconds, "busy environments": (u.BusySeconds + u.InitSeconds) / u.Seconds,
	}
	for _, row := range []struct {
		name      string
		published float64
		tenRuns   []float64
	}{
		{"cold starts", 1213, []float64{1210, 1249, 1229, 1174, 1237, 1193, 1195, 1229, 1141, 1177}},
		{"environments", 7.6612, []float64{7.7043, 7.7034, 7.7040, 7.7006, 7.6988, 7.6723, 7.6874, 7.7504, 7.6688, 7.6806}},
		{"busy environments", 1.7879, []float64{1.7903, 1.7881, 1.7901, 1.7911, 1.7953, 1.7913, 1.7941, 1.7923, 1.7952, 1.7917}},
	} {
		i, err := statistics.Predict(row.tenRuns, 0, 0.95)
		if err != nil {
			return t, err
		}
		t.Rows = append(t.Rows, []string{row.name, digits(row.published, 5), digits(i.Low, 5), digits(i.High, 5), digits(ours[row.name], 5), verdict(i.Holds(ours[row.name]))})
	}
	return t, nil
}

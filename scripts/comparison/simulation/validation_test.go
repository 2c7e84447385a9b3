package simulation_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

func seeded(n uint64) *rand.Rand { return rand.New(rand.NewPCG(n, 0)) }

func poisson(t *testing.T, seed uint64, rate, duration float64) []float64 {
	t.Helper()
	times, err := arrivals.Poisson(seeded(seed), rate, duration)
	if err != nil {
		t.Fatal(err)
	}
	return times
}

func finished(t *testing.T) func(simulation.Result, error) simulation.Result {
	return func(r simulation.Result, err error) simulation.Result {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
}

// erlangC returns the probability that a job waits with c servers and offered load a, from the
// recursion for Erlang B, which does not overflow.
func erlangC(c int, a float64) float64 {
	b := 1.0
	for k := 1; k <= c; k++ {
		b = a * b / (float64(k) + a*b)
	}
	rho := a / float64(c)
	return b / (1 - rho + rho*b)
}

func TestErlangC(t *testing.T) {
	for _, c := range []struct {
		servers int
		offered float64
		want    float64
	}{{1, 0.8, 0.8}, {2, 1.6, 0.7111}, {5, 4, 0.5541}} { // M/M/1: rho; M/M/2: 2 rho²/(1+rho); textbook tables
		if got := erlangC(c.servers, c.offered); math.Abs(got-c.want) > 5e-5 {
			t.Errorf("C(%d, %g): got %.4f, want %.4f", c.servers, c.offered, got, c.want)
		}
	}
}

// mean returns the mean of values and its standard error.
func mean(values []float64) (m, se float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	for _, v := range values {
		se += (v - m) * (v - m)
	}
	n := float64(len(values))
	return m, math.Sqrt(se / (n - 1) / n)
}

// The mean latency of M/M/c is within three standard errors of theory, over independent runs whose
// first part is not counted. The latency is compared in addition to the wait, because a wait for
// one of 16 servers at half load is close to zero. With ATELIER_LONG_TESTS=1 there are so many
// jobs, 270 million in all, that the standard errors are below half a percent.
func TestMMc(t *testing.T) {
	for n, c := range []struct {
		servers      int
		load         float64
		jobs         float64 // of each run in the long form
		largestError float64 // share of the latency in the short form, which has 15,000 jobs a run
	}{
		{1, 0.5, 40_000, 0.01}, {1, 0.8, 200_000, 0.03}, {1, 0.95, 3_000_000, 0.15},
		{2, 0.5, 40_000, 0.01}, {2, 0.8, 200_000, 0.03}, {2, 0.95, 2_400_000, 0.15},
		{16, 0.5, 40_000, 0.01}, {16, 0.8, 60_000, 0.01}, {16, 0.95, 800_000, 0.10},
	} {
		t.Run(fmt.Sprintf("%d servers at %g", c.servers, c.load), func(t *testing.T) {
			t.Parallel()
			const runs = 40
			if os.Getenv("ATELIER_LONG_TESTS") == "" {
				c.jobs = 15_000
			} else {
				c.largestError = 0.005
			}
			rate := c.load * float64(c.servers)
			wait := erlangC(c.servers, rate) / (float64(c.servers) * (1 - c.load))
			latency, waiting, busy := make([]float64, runs), make([]float64, runs), make([]float64, runs)
			for run := range runs {
				seed := uint64(1000*n + run)
				duration := c.jobs / rate
				l := simulation.Load{Arrivals: poisson(t, seed, rate, duration), Work: simulation.Exponential(1), Seed: seed}
				// One instance with all slots and processors, or the same number of instances with
				// one each.
				i := simulation.Instances{Slots: c.servers, Processors: float64(c.servers), Minimum: 1, Maximum: 1}
				if run%2 == 1 {
					i = simulation.Instances{Slots: 1, Processors: 1, Minimum: c.servers, Maximum: c.servers}
				}
				r := finished(t)(simulation.Fleet(l, i))
				counted := r.Jobs[len(r.Jobs)/10:]
				for _, j := range counted {
					latency[run] += (j.Finished - j.Arrival) / float64(len(counted))
					waiting[run] += (j.Taken - j.Arrival) / float64(len(counted))
				}
				busy[run] = r.Usage.BusySeconds / duration / float64(c.servers)
			}
			m, se := mean(latency)
			w, wse := mean(waiting)
			t.Logf("latency %.4f ± %.4f (%.2f%%), theory %.4f; wait %.4f ± %.4f, theory %.4f", m, se, 100*se/m, 1+wait, w, wse, wait)
			if math.Abs(m-1-wait) > 3*se {
				t.Errorf("latency: got %.4f ± %.4f, want %.4f", m, se, 1+wait)
			}
			if math.Abs(w-wait) > 3*wse {
				t.Errorf("wait: got %.5f ± %.5f, want %.5f", w, wse, wait)
			}
			if se > c.largestError*m {
				t.Errorf("the standard error is %.2f%% of the latency, want at most %.2f%%", 100*se/m, 100*c.largestError)
			}
			if b, bse := mean(busy); math.Abs(b-c.load) > 3*bse { // Little's law for the servers
				t.Errorf("share of servers busy: got %.5f ± %.5f, want %g", b, bse, c.load)
			}
		})
	}
}

// M/G/1 with processor sharing has a mean latency of E[S]/(1-rho) for any distribution of work
// (Kleinrock), unlike a server that works in order.
func TestProcessorSharing(t *testing.T) {
	twoValues := func(random *rand.Rand) float64 { // mean 1, variance 4
		if random.Float64() < 0.2 {
			return 5
		}
		return 0
	}
	for name, work := range map[string]simulation.Distribution{
		"constant": simulation.Constant(1), "exponential": simulation.Exponential(1), "two values": twoValues,
	} {
		const runs, load = 12, 0.6
		latency := make([]float64, runs)
		for run := range runs {
			r := finished(t)(simulation.Fleet(simulation.Load{
				Arrivals: poisson(t, uint64(run), load, 60_000), Work: work, Seed: uint64(run),
			}, simulation.Instances{Slots: 1000, Processors: 1, Minimum: 1, Maximum: 1}))
			for _, j := range r.Jobs {
				latency[run] += (j.Finished - j.Arrival) / float64(len(r.Jobs))
			}
		}
		m, se := mean(latency)
		t.Logf("%s: %.4f ± %.4f", name, m, se)
		if math.Abs(m-2.5) > 3*se || se > 0.03 {
			t.Errorf("%s: got %.4f ± %.4f, want 2.5", name, m, se)
		}
	}
}

// Exactly as many jobs as a server can do, at equal distances: no job waits.
func TestDeterministicQueue(t *testing.T) {
	times, err := arrivals.Steady(4, 1000)
	if err != nil {
		t.Fatal(err)
	}
	one := simulation.Instances{Slots: 1, Processors: 1, Minimum: 1, Maximum: 1}
	r := finished(t)(simulation.Fleet(simulation.Load{Arrivals: times, Work: simulation.Constant(0.25)}, one))
	for i, j := range r.Jobs {
		if j.Taken != j.Arrival || j.Finished != j.Arrival+0.25 {
			t.Fatalf("job %d: got %+v, want no wait", i, j)
		}
	}
	// At twice the load, job n waits n/8 seconds.
	r = finished(t)(simulation.Fleet(simulation.Load{Arrivals: times[:1000], Work: simulation.Constant(0.5)}, one))
	for i, j := range r.Jobs {
		if want := float64(i) * 0.25; j.Taken-j.Arrival != want {
			t.Fatalf("job %d waited %g s, want %g", i, j.Taken-j.Arrival, want)
		}
	}
	if u := r.Usage; u.BusySeconds != 500 || u.Seconds != 500 || u.InstanceSeconds != 500 {
		t.Errorf("got %+v, want 500 s throughout", u)
	}
}

// Little's law: the mean number of jobs in the system, sampled at times independent of the jobs, is
// the rate of arrivals times the mean latency.
func TestLittlesLaw(t *testing.T) {
	const duration = 100_000
	r := finished(t)(simulation.Fleet(
		simulation.Load{Arrivals: poisson(t, 1, 1.6, duration), Work: simulation.Exponential(1), Seed: 1},
		simulation.Instances{Slots: 2, Processors: 2, Minimum: 1, Maximum: 1}))
	ends, latency := make([]float64, len(r.Jobs)), 0.0
	for i, j := range r.Jobs {
		ends[i] = j.Finished
		latency += j.Finished - j.Arrival
	}
	slices.Sort(ends)
	present, looks, arrived, left := 0, 0, 0, 0
	for at := 0.37; at < duration; at += 0.731 {
		for arrived < len(r.Jobs) && r.Jobs[arrived].Arrival <= at {
			arrived++
		}
		for left < len(ends) && ends[left] <= at {
			left++
		}
		present += arrived - left
		looks++
	}
	got, want := float64(present)/float64(looks), latency/duration
	if math.Abs(got/want-1) > 0.01 {
		t.Errorf("mean number of jobs: got %.3f, want %.3f within 1%%", got, want)
	}
}

// A function without starts and with fixed concurrency behind a queue is the same system as that
// number of instances.
func TestFunctionsMatchInstances(t *testing.T) {
	l := simulation.Load{Arrivals: poisson(t, 5, 4, 5000), Work: simulation.Exponential(1), Seed: 5}
	f := function()
	f.Place, f.Init = simulation.Constant(0), simulation.Constant(0)
	m := simulation.Mapping{BatchSize: 1, Initial: 5, StepSeconds: 60, Maximum: 5, Transit: 0.5}
	a := finished(t)(simulation.Queued(l, f, m))
	b := finished(t)(simulation.Fleet(l, simulation.Instances{Transit: 0.5, Slots: 1, Processors: 1, Minimum: 5, Maximum: 5}))
	if !slices.Equal(a.Latencies(), b.Latencies()) {
		t.Error("five environments and five instances gave different latencies")
	}
}

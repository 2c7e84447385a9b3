package report

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// What the model assumes where nothing was measured.
const (
	region       = "eu-central-1"
	instanceType = "c7i.large" // two processors
	slots        = 2           // jobs at once of a daemon there
	disk         = 12          // GB
	placing      = 0.1         // seconds until an environment is there, not billed
	transit      = 0.05        // seconds through the queue
	booting      = 90.0        // seconds until an instance takes jobs
	keepAlive    = 600.0       // seconds, the middle scenario
	managedShare = 0.5         // of the processors, at which managed instances are scaled
	goal         = 10.0        // seconds, of the 95th percentile of latency
	architecture = "x86_64"
)

// picture is what a job of 512 px uses of the services around the painting: calls by DESIGN.md's
// count of them, sizes assumed.
var picture = cost.Picture{
	Basis: cost.Assumed, APIRequests: 8, APISeconds: 0.02, Messages: 3,
	Submission: cost.Calls{Metadata: 14, Writes: 2, WriteBytes: 60 << 10},
	Painting:   cost.Calls{Metadata: 20, Writes: 4, WriteBytes: 60 << 10, Reads: 2, ReadBytes: 100 << 10},
	Stored:     300 << 10, Copied: 120 << 10, Objects: 2, Gets: 1, Downloaded: 120 << 10, LogBytes: 1 << 10,
}

var sweeps = cost.Sweeps{Basis: cost.Assumed, Memory: 512, Billed: 0.2, Calls: cost.Calls{Metadata: 20}, LogBytes: 300}

// A worker is what the runs say about one engine at one size.
type worker struct {
	function, instance group       // a function's share of the processors, and the whole machine
	coldCalls          cost.Calls  // to the network file system, of a start
	cold               *byVolume   // by the middle keep-alive
	keepAlives         []*byVolume // by each scenario of it
	capacity           float64     // pictures a second of an instance, whose 95th percentile is below goal
	peak               float64     // the rate that instances have to sustain, over the mean rate
	fromZero           *byVolume   // paid hours a picture of instances from zero; nil where they are no rival
}

// workers are the engines' workers on a processor model, for pictures of about size px with about
// memory MB, those that are nearest. The engine whose warm pictures cost the least is the first.
func workers(groups []group, size, memory int) []worker {
	return workersOf(groups, size, memory, measurement.ONNX, measurement.TensorFlow)
}

// workersOf are those of the given engines.
func workersOf(groups []group, size, memory int, engines ...string) (all []worker) {
	for _, engine := range engines {
		var w worker
		near := func(g group) float64 {
			d := math.Abs(math.Log(float64(g.variant.Size) / float64(size)))
			if g.variant.MemoryMB > 0 {
				d = 100*d + math.Abs(math.Log(float64(g.variant.MemoryMB)/float64(memory)))
			}
			if g.variant.PeriodMS > 20 {
				d += 1e-3 // Lambda's period is 20 ms
			}
			return d
		}
		for _, g := range groups {
			if !local(g.variant) || g.variant.Engine != engine || len(g.means(false, billed)) == 0 || len(g.means(true, billed)) == 0 {
				continue
			}
			at := &w.function
			if g.variant.CPUs() == 0 {
				at = &w.instance
			}
			if d := cmp.Compare(near(g), near(*at)); at.runs == nil || d < 0 || d == 0 && mean(g.means(false, billed)) < mean(at.means(false, billed)) {
				*at = g
			}
		}
		w.coldCalls = coldCalls(groups, engine)
		if w.function.runs != nil && w.instance.runs != nil && w.function.variant.Size == w.instance.variant.Size {
			all = append(all, w)
		}
	}
	slices.SortStableFunc(all, func(a, b worker) int { return cmp.Compare(a.warm(nil), b.warm(nil)) })
	return all
}

// chosen takes the values of the chosen runs; nil is all.
func chosen(values []float64, indices []int) []float64 {
	if indices == nil {
		return values
	}
	some := make([]float64, 0, len(indices))
	for _, i := range indices {
		some = append(some, values[min(i, len(values)-1)])
	}
	return some
}

// warm is the billed seconds of a warm picture, and start what a cold one adds to them.
func (w *worker) warm(runs []int) float64 { return mean(chosen(w.function.means(false, billed), runs)) }

func (w *worker) start(runs []int) float64 {
	return max(0, mean(chosen(w.function.means(true, billed), runs))-w.warm(runs))
}

// work is the seconds of a picture on an instance.
func (w *worker) work(runs []int) float64 {
	return mean(chosen(w.instance.means(false, handler), runs))
}

// simulate fills in what the simulation says of a worker.
func (w *worker) simulate(seed uint64, jobs int) (err error) {
	for _, keep := range simulation.KeepAlives() {
		c, err := simulateCold(w, seed, jobs, keep)
		if err != nil {
			return err
		}
		w.keepAlives = append(w.keepAlives, c)
		if keep == keepAlive {
			w.cold = c
		}
	}
	w.peak = 1
	w.capacity, err = sustained(w.instance.warm(handler), seed, jobs)
	return err
}

// sustained is the highest rate of Poisson arrivals at which the 95th percentile of the latency on one
// instance is below the goal, to within 1%, where pictures take so many seconds.
func sustained(seconds []float64, seed uint64, jobs int) (float64, error) {
	work, err := simulation.Empirical(seconds)
	if err != nil {
		return 0, err
	}
	most := slots / mean(seconds)
	low, high := 0.05*most, most
	for high-low > 0.01*most {
		rate := (low + high) / 2
		times, err := arrivals.Poisson(random(seed), rate, float64(jobs)/rate)
		if err != nil {
			return 0, err
		}
		r, err := simulation.Fleet(simulation.Load{Arrivals: times, Work: work, Seed: seed},
			simulation.Instances{Transit: transit, Slots: slots, Processors: slots, Minimum: 1, Maximum: 1})
		if err != nil {
			return 0, err
		}
		all := r.Latencies()
		slices.Sort(all)
		if len(all) > 0 && all[len(all)*95/100] <= goal {
			low = rate
		} else {
			high = rate
		}
	}
	return low, nil
}

// random is a source that depends on the folder's seed alone.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// byVolume is a value by the pictures a month, such as the share of them that have a cold start.
type byVolume struct{ logs, values []float64 }

// volumeStep is the distance of its points, in decades.
const volumeStep = 0.25

// simulateCold simulates Poisson arrivals at rates of 100 pictures a month and more: so many jobs, or more
// where these come within hours, in which the first starts of environments would count too much.
func simulateCold(w *worker, seed uint64, jobs int, keep float64) (*byVolume, error) {
	const most, hours = 8, 3
	return w.coldShares(seed, keep, most, func(pictures float64) ([]float64, error) {
		rate := pictures / cost.Seconds
		few := float64(jobs)
		return arrivals.Poisson(random(seed), rate, max(few, min(20*few, rate*hours*3600))/rate)
	})
}

// coldShares are the shares of pictures with a cold start, from 100 pictures a month to ten to the power of
// most, of a pattern of arrivals.
func (w *worker) coldShares(seed uint64, keep, most float64, pattern func(pictures float64) ([]float64, error)) (*byVolume, error) {
	c := &byVolume{}
	work, err := simulation.Empirical(w.function.warm(billed))
	if err != nil {
		return nil, err
	}
	for log := 2.0; log <= most; log += volumeStep {
		times, err := pattern(math.Pow(10, log))
		if err != nil {
			return nil, err
		}
		r, err := simulation.Queued(simulation.Load{Arrivals: times, Work: work, Seed: seed}, w.simulated(keep), mapping(0))
		if err != nil {
			return nil, err
		}
		c.logs = append(c.logs, log)
		c.values = append(c.values, float64(r.Usage.ColdStarts)/float64(max(1, r.Usage.Jobs)))
	}
	return c, nil
}

// mapping is AWS's, with at most so many invocations at once, or 0 for AWS's own limit.
func mapping(maximum int) simulation.Mapping {
	m := simulation.DefaultMapping(maximum)
	m.Transit = transit
	return m
}

// simulated is the worker as the simulation has it.
func (w *worker) simulated(keep float64) simulation.Function {
	return simulation.Function{
		Place: simulation.Constant(placing), Init: simulation.Constant(w.start(nil)), KeepAlive: keep, Lifetime: simulation.LifetimeSeconds,
		Concurrency: simulation.DefaultConcurrency, JobsAtOnce: 1, Processors: 1,
	}
}

// at is the value at so many pictures a month, between points along the logarithms; beyond the points
// it is that of the nearest.
func (c *byVolume) at(pictures float64) float64 {
	x := (math.Log10(pictures) - c.logs[0]) / volumeStep
	if !(x > 0) {
		return c.values[0]
	}
	i := int(x)
	if i >= len(c.values)-1 {
		return c.values[len(c.values)-1]
	}
	a, b, part := c.values[i], c.values[i+1], x-float64(i)
	if a > 0 && b > 0 { // a power of the volume, as most are in parts
		return a * math.Pow(b/a, part)
	}
	return a + part*(b-a)
}

// table has the prices of the region that the report is about.
func table() (*prices.Table, error) { return prices.Of(region) }

// coldCalls are a start's reads from a network file system, where the deployment has the engine
// there: TensorFlow, which no function's archive has room for. They are zero where no run has them.
func coldCalls(groups []group, engine string) cost.Calls {
	if engine != measurement.TensorFlow {
		return cost.Calls{}
	}
	for _, g := range groups {
		if v := g.variant; v.System != measurement.Service || v.Engine != engine || !v.NFS || v.ReadAhead {
			continue
		}
		reads := mean(g.means(true, func(j measurement.Job) float64 { return float64(j.NFSReads) }))
		bytes := mean(g.means(true, func(j measurement.Job) float64 { return float64(j.NFSBytes) }))
		if reads > 0 {
			return cost.Calls{Reads: reads, ReadBytes: bytes / reads}
		}
	}
	return cost.Calls{}
}

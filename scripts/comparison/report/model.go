package report

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/arrivals"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// The subject of the report. Other assumptions are in package assumptions.
const (
	region = "eu-central-1"
	goal   = 10.0 // seconds, of the 95th percentile of latency

	usualSize = 512 // px
)

// A capacity is the rate that one instance sustains, in pictures a second, with a 95th percentile
// of latency below goal.
type capacity struct {
	yield  float64 // of two jobs at once; see [assumptions.Yields]
	shared float64 // with jobs on the shared file system
	local  float64 // with jobs on its own disk
}

// A worker has the results of the runs for one engine at one size.
type worker struct {
	function, instance group       // with a function's share of the processors, and on the whole machine
	uncached           float64     // additional seconds of a start if none of its files is cached in memory
	load               float64     // processor seconds of all programs on an instance per processor second of its worker; 1 if not measured
	coldCalls          cost.Calls  // calls of a start to the shared file system
	cold               *byVolume   // share of cold starts at the middle keep-alive
	keepAlives         []*byVolume // the same for each scenario of the keep-alive
	capacities         []capacity  // for each yield of two jobs at once
	peak               float64     // the rate that instances have to sustain, over the mean rate
	active             *byVolume   // hours of a month with jobs; nil for arrivals at random
	fromZero           *byVolume   // billed hours per picture of instances from zero; nil if they are not compared
}

// workers returns the workers of both engines on a processor model, for the measured variants
// nearest to usualSize and to memory in MB, with the number of threads that is deployed. A memory
// of 0 means the memory with the lowest billed cost of a warm picture. [sortByCompute] orders the
// result.
func workers(groups []group, memory int) []worker {
	return workersOf(groups, usualSize, memory, "", measurement.ONNX, measurement.TensorFlow)
}

// workersOf returns the workers of the given engines with a network; an empty network is this
// project's.
func workersOf(groups []group, size, memory int, network string, engines ...string) (all []worker) {
	for _, engine := range engines {
		w := worker{load: daemonLoad(groups, engine)}
		memory := memory
		if memory == 0 {
			memory = cheapestMemory(groups, size, network, engine)
		}
		near := func(g group) float64 {
			d := math.Abs(math.Log(float64(g.variant.Size) / float64(size)))
			if g.variant.MemoryMB > 0 {
				d = 100*d + math.Abs(math.Log(float64(g.variant.MemoryMB)/float64(memory)))
			}
			if g.variant.Threads != assumptions.Threads(g.variant.MemoryMB) {
				d += 2e-3
			}
			if g.variant.PeriodMS > 20 {
				d += 1e-3 // Lambda's period is 20 ms
			}
			return d
		}
		for _, g := range groups {
			if !inMemory(g.variant) || g.variant.Network != network || g.variant.Engine != engine || len(g.means(false, billed)) == 0 || len(g.means(true, billed)) == 0 {
				continue
			}
			at := &w.function
			if g.variant.CPUs() == 0 {
				at = &w.instance
			}
			if at.runs == nil || near(g) < near(*at) {
				*at = g
			}
		}
		w.coldCalls = coldCalls(groups, engine)
		w.uncached = assumptions.UncachedSeconds(allRuns(groups), engine)
		if w.function.runs != nil && w.instance.runs != nil && w.function.variant.Size == w.instance.variant.Size {
			all = append(all, w)
		}
	}
	return all
}

// cheapestMemory returns the function's memory in MB with the lowest billed cost of a warm picture,
// among those measured as deployed whose cold pictures are ready within goal; 0 if there is none.
func cheapestMemory(groups []group, size int, network, engine string) (memory int) {
	least := math.Inf(1)
	for _, g := range groups {
		v := g.variant
		if !inMemory(v) || v.Network != network || v.Engine != engine || v.Size != size || v.CPUs() == 0 || v.PeriodMS > 20 || v.Threads != assumptions.Threads(v.MemoryMB) {
			continue
		}
		warm, cold := statistics.Mean(g.means(false, billed)), statistics.Mean(g.means(true, billed))
		price := (warm + assumptions.StoreSeconds) * float64(v.MemoryMB)
		if price < least && assumptions.Placing+cold+assumptions.StoreSeconds < goal {
			least, memory = price, v.MemoryMB
		}
	}
	return memory
}

// daemonLoad returns the processor time of all programs on an instance per second of a worker
// alone, from the daemon's runs under load; 1 if either was not measured.
func daemonLoad(groups []group, engine string) float64 {
	load := 1.0
	for _, g := range groups {
		if g.variant.System != measurement.Daemon || g.variant.Engine != engine {
			continue
		}
		for _, alone := range groups {
			if v := alone.variant; local(v) && v.Engine == engine && v.Size == g.variant.Size && v.CPUs() == 0 && v.Threads == 1 {
				if r := g.busy() / statistics.Mean(alone.means(false, handler)); r > load {
					load = r
				}
			}
		}
	}
	return load
}

// busy returns the processor seconds of the system's own programs per picture.
func (g group) busy() float64 {
	return statistics.Mean(g.each(func(r *measurement.Run) (float64, bool) {
		return r.Busy().System / float64(max(1, len(r.Jobs))), len(r.Jobs) > 0
	}))
}

func allRuns(groups []group) (runs []*measurement.Run) {
	for _, g := range groups {
		runs = append(runs, g.runs...)
	}
	return runs
}

// pick returns the values at indices, which are those of resampled runs; nil means all values.
func pick(values []float64, indices []int) []float64 {
	if indices == nil {
		return values
	}
	some := make([]float64, 0, len(indices))
	for _, i := range indices {
		some = append(some, values[min(i, len(values)-1)])
	}
	return some
}

// warm returns the billed seconds of a warm picture, and start the seconds that a cold one adds in
// a new environment, without reads from EFS.
func (w *worker) warm(runs []int) float64 {
	return statistics.Mean(pick(w.function.means(false, billed), runs))
}

func (w *worker) start(runs []int) float64 {
	return max(0, statistics.Mean(pick(w.function.means(true, billed), runs))-w.warm(runs)) + w.uncached
}

// work returns the seconds that a picture takes on an instance.
func (w *worker) work(runs []int) float64 {
	return statistics.Mean(pick(w.instance.means(false, handler), runs))
}

// simulate sets the fields of a worker that result from simulations.
func (w *worker) simulate(seed uint64, jobs int) (err error) {
	for _, keep := range simulation.KeepAlives() {
		c, err := simulateCold(w, seed, jobs, keep)
		if err != nil {
			return err
		}
		w.keepAlives = append(w.keepAlives, c)
		if keep == assumptions.KeepAlive {
			w.cold = c
		}
	}
	w.peak = 1
	for _, yield := range assumptions.Yields() {
		c := capacity{yield: yield}
		if c.local, err = sustained(w.instance.warm(handler), 0, yield, seed, jobs); err != nil {
			return err
		}
		if c.shared, err = sustained(w.instance.warm(handler), assumptions.StoreSeconds, yield, seed, jobs); err != nil {
			return err
		}
		c.local, c.shared = min(c.local, w.most(yield)), min(c.shared, w.most(yield))
		w.capacities = append(w.capacities, c)
	}
	return nil
}

// most returns the number of pictures a second for which an instance's processors suffice, with all
// programs that run on it.
func (w *worker) most(yield float64) float64 {
	return assumptions.Processors * yield / (max(1, w.load) * w.work(nil))
}

// capacity returns the capacity without a loss when two jobs run at once.
func (w *worker) capacity() capacity {
	return w.capacities[slices.IndexFunc(w.capacities, func(c capacity) bool { return c.yield == 1 })]
}

// waiting returns the distribution of the given times, each with an additional wait in seconds.
func waiting(seconds []float64, wait float64) (simulation.Distribution, error) {
	work, err := simulation.Empirical(seconds)
	if err != nil {
		return nil, err
	}
	return func(random *rand.Rand) float64 { return work(random) + wait }, nil
}

// functionWork returns the distribution of the time of a warm picture in a function, and
// instanceWork on an instance that uses the shared file system.
func (w *worker) functionWork() (simulation.Distribution, error) {
	return waiting(w.function.warm(billed), assumptions.StoreSeconds)
}

func (w *worker) instanceWork() (simulation.Distribution, error) {
	return waiting(w.instance.warm(handler), assumptions.StoreSeconds)
}

// sustained returns the highest rate of Poisson arrivals, in jobs a second and within 1%, at which
// the 95th percentile of latency on one instance is below goal. seconds are the times of pictures,
// to each of which wait is added.
func sustained(seconds []float64, wait, yield float64, seed uint64, jobs int) (float64, error) {
	work, err := waiting(seconds, wait)
	if err != nil {
		return 0, err
	}
	yield = assumptions.YieldOf(yield, statistics.Mean(seconds), wait)
	most := assumptions.Processors * yield / (statistics.Mean(seconds) + wait)
	low, high := 0.05*most, most
	for high-low > 0.01*most {
		rate := (low + high) / 2
		times, err := arrivals.Poisson(random(seed), rate, float64(jobs)/rate)
		if err != nil {
			return 0, err
		}
		r, err := simulation.Fleet(simulation.Load{Arrivals: times, Work: work, Seed: seed},
			assumptions.Instances(assumptions.Processors, 1, 1, yield))
		if err != nil {
			return 0, err
		}
		if percentile(r.Latencies(), 95) <= goal {
			low = rate
		} else {
			high = rate
		}
	}
	return low, nil
}

// random returns a source that depends only on the folder's seed.
func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 7)) }

// byVolume is a value as a function of the pictures a month, such as the share of cold starts.
type byVolume struct{ logs, values []float64 }

// volumeStep is the distance between the points of byVolume, in decades.
const volumeStep = 0.25

// simulateCold simulates Poisson arrivals at rates from 100 pictures a month. It simulates the
// given number of jobs, and more if they would arrive within a few hours, because the first starts
// of environments would count too much then.
func simulateCold(w *worker, seed uint64, jobs int, keep float64) (*byVolume, error) {
	const most, hours = 8, 3
	return w.coldShares(seed, keep, most, func(pictures float64) ([]float64, error) {
		rate := pictures / cost.Seconds
		few := float64(jobs)
		return arrivals.Poisson(random(seed), rate, max(few, min(20*few, rate*hours*3600))/rate)
	})
}

// coldShares returns the share of pictures with a cold start for a pattern of arrivals, from 100 to
// 10^most pictures a month.
func (w *worker) coldShares(seed uint64, keep, most float64, pattern func(pictures float64) ([]float64, error)) (*byVolume, error) {
	c := &byVolume{}
	work, err := w.functionWork()
	if err != nil {
		return nil, err
	}
	for log := 2.0; log <= most; log += volumeStep {
		times, err := pattern(math.Pow(10, log))
		if err != nil {
			return nil, err
		}
		r, err := simulation.Queued(simulation.Load{Arrivals: times, Work: work, Seed: seed}, w.simulated(keep), assumptions.Mapping(0))
		if err != nil {
			return nil, err
		}
		c.logs = append(c.logs, log)
		c.values = append(c.values, float64(r.Usage.ColdStarts)/float64(max(1, r.Usage.Jobs)))
	}
	return c, nil
}

// simulated returns the worker as the simulation's model of a function.
func (w *worker) simulated(keep float64) simulation.Function {
	return assumptions.Function(simulation.Constant(w.start(nil)), w.coldCalls, keep)
}

// at returns the value at a number of pictures a month, interpolated on logarithms. Outside the
// range of points it returns the value of the nearest point.
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
	if a > 0 && b > 0 { // interpolate as a power of the volume, which most curves nearly are between two points
		return a * math.Pow(b/a, part)
	}
	return a + part*(b-a)
}

// table returns the prices of the report's region.
func table() (*prices.Table, error) { return prices.ForRegion(region) }

// coldCalls returns the calls of a start to the shared file system as deployed: measured if
// possible, else assumed.
func coldCalls(groups []group, engine string) cost.Calls {
	if measured, ok := assumptions.MeasuredColdCalls(allRuns(groups), engine); ok {
		return measured
	}
	return assumptions.ColdCalls(engine)
}

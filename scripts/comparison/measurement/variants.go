package measurement

import (
	"math/rand/v2"
	"runtime"

	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// Full returns the plan of a whole measurement: about eight hours with ten repetitions.
func Full() Plan {
	p := Plan{Repetitions: 10}
	for _, engine := range []string{TensorFlow, ONNX} {
		p.Variants = append(p.Variants, alone(engine)...)
		p.Variants = append(p.Variants, coldStarts(engine)...)
	}
	p.Variants = append(append(p.Variants, magentaAlone()...), underLoad()...)
	return p
}

// alone returns variants for the service times of one engine: each size on the whole machine and in
// a function, and for 512 px more functions, and other numbers of threads and periods.
func alone(engine string) (all []Variant) {
	for _, size := range sizes {
		v := Variant{System: Service, Engine: engine, Size: size.px, Jobs: size.jobs, Threads: 1}
		all = append(all, v)
		if size.px != usual {
			all = append(all, asFunction(v, 1769, 1), asFunction(v, 3007, 2))
			continue
		}
		for _, memory := range []int{885, 1769, 3007, 3538} { // MB: half, 1, 1.7 and 2 processors
			for _, threads := range []int{1, 2} {
				f := asFunction(v, memory, threads)
				if memory <= 1769 && threads > 1 || f.CPUs() > float64(runtime.GOMAXPROCS(0)) { // there is no processor for it
					continue
				}
				all = append(all, f)
				f.PeriodMS = 100
				all = append(all, f)
			}
		}
	}
	return all
}

// usual is the size of most variants, in pixels.
const usual = 512

// sizes are the picture sizes, with the number of pictures in a run.
var sizes = []struct{ px, jobs int }{{256, 20}, {usual, 20}, {1024, 8}, {2048, 4}}

// asFunction returns v as a function with the given memory and Lambda's period.
func asFunction(v Variant, memory, threads int) Variant {
	v.MemoryMB, v.PeriodMS, v.Threads = memory, 20, threads
	return v
}

// coldStarts returns variants for starts of one engine that differ only in packaging: from a local
// disk with an empty page cache, as from an archive, and from a network file system, with and
// without read ahead. Starts with everything in memory are the first pictures of other variants.
func coldStarts(engine string) []Variant {
	local := Variant{System: Service, Engine: engine, Size: 256, Jobs: 1, Threads: 1, Evicted: true}
	nfs := local
	nfs.Evicted, nfs.NFS, nfs.LatencyMS = false, true, 2
	ahead := nfs
	ahead.ReadAhead = true
	share := asFunction(local, 3007, 2)
	share.Size = usual
	return []Variant{local, share, nfs, ahead}
}

// magentaAlone returns variants for the service times of Magenta's network on the machine and in
// the function with which the project began.
func magentaAlone() []Variant {
	v := Variant{System: Service, Engine: TensorFlow, Network: Magenta, Size: usual, Jobs: 20, Threads: 1}
	return []Variant{v, asFunction(v, 3007, 2)}
}

// underLoad returns the variants of the systems. Each has the steady pattern, from which
// simulations are calibrated, and one pattern with which they are compared; the systems that differ
// most have all patterns, and one load with as many jobs as a 99th percentile needs. Rates keep two
// processors at most half busy.
func underLoad() (all []Variant) {
	const low, middle, high = 2.5, 4, 6 // a second
	const few, many = statistics.MinimumJobs, statistics.MinimumJobsP99
	type load struct {
		pattern string
		rate    float64
		jobs    int
	}
	some := []load{{Steady, middle, few}, {Poisson, low, few}}
	patterns := append(some[:len(some):len(some)], load{Poisson, high, many}, load{Bursts, low, few}, load{Synthetic, low, few})
	for _, of := range []struct {
		systems []string
		engine  string
		network string
		loads   []load
	}{
		{[]string{Daemon, MiniStack, Synchronous}, ONNX, "", patterns},
		{[]string{Daemon, MiniStack, Synchronous, Flask}, TensorFlow, "", some},
		{[]string{Concurrent}, ONNX, "", some},
		{[]string{Synchronous, Flask}, TensorFlow, Magenta, some}, // the systems with which the project began
	} {
		for _, system := range of.systems {
			for _, l := range of.loads {
				all = append(all, ofSystem(Variant{System: system, Engine: of.engine, Network: of.network, Size: usual, Jobs: l.jobs, Pattern: l.pattern, Rate: l.rate}))
			}
		}
	}
	return all
}

// idleS is the time for which idle environments are kept, in seconds: less than the silence between
// bursts, so that each burst has cold starts and reuse, and short enough for a run.
const idleS = 2

// ofSystem returns v with the memory and environments of a function that paints while the request
// waits.
func ofSystem(v Variant) Variant {
	processors := max(2, runtime.GOMAXPROCS(0))
	switch v.System {
	case Synchronous:
		v.MemoryMB, v.Threads, v.Concurrency, v.Environments, v.IdleS = 3007, 1, 1, processors, idleS
	case Concurrent:
		v.MemoryMB, v.Threads, v.Concurrency, v.Environments, v.IdleS = 3007, 1, processors, 1, idleS
	}
	return v
}

// AddTrace adds a variant with the recorded pattern for each variant with the synthetic one. A
// trace that is too short, or that has too many jobs when superposed, is an error.
func (p *Plan) AddTrace(t *Trace) error {
	for _, v := range p.Variants {
		if v.Pattern != Synthetic {
			continue
		}
		v.Pattern, v.Trace = Recorded, t.SHA256
		if _, err := t.arrivals(v, rand.New(rand.NewPCG(1, 1))); err != nil { //nolint:gosec // not for secrets
			return err
		}
		p.Variants = append(p.Variants, v)
	}
	return nil
}

package measurement

import (
	"math/rand/v2"
	"runtime"

	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// Full returns the plan of a whole measurement, which takes less than 100 minutes on two processors.
// What the bills, the crossings and the validation are computed from has ten runs of each variant.
// What the report only lists has fewer, and a range instead of an interval.
func Full() Plan {
	p := Plan{Repetitions: 10}
	for _, engine := range []string{TensorFlow, ONNX} {
		p.addAlone(engine)
		p.addColdStarts(engine)
	}
	v := Variant{System: Service, Engine: TensorFlow, Network: Magenta, Size: usual, Jobs: 8, Threads: 1}
	p.add(1, v, asFunction(v, 3007, 2)) // the function with which the project began
	p.addLoads()
	return p
}

// How often a variant is run: in every repetition, or only in each of the following. Of ten
// repetitions, these are five, three and two.
const (
	second = 2
	fourth = 4
	fifth  = 5
)

// add adds variants that are run only in each every-th repetition.
func (p *Plan) add(every int, variants ...Variant) {
	p.Variants = append(p.Variants, variants...)
	for _, v := range variants {
		if every == 1 {
			continue
		}
		if p.Every == nil {
			p.Every = map[string]int{}
		}
		p.Every[v.Name()] = every
	}
}

// addAlone adds the service times of one engine: each size on the whole machine and in a function,
// and for 512 px each memory size that is deployed, and another period.
func (p *Plan) addAlone(engine string) {
	for _, size := range sizes {
		v := Variant{System: Service, Engine: engine, Size: size.px, Jobs: size.jobs, Threads: 1}
		p.add(size.every, v)
		for _, of := range []struct{ memory, threads int }{{885, 1}, {1769, 1}, {3007, 2}, {3538, 2}} { // MB: half, 1, 1.7 and 2 processors
			f := asFunction(v, of.memory, of.threads)
			everySize := of.memory == 1769 || of.memory == 3007
			if size.px != usual && !everySize || f.CPUs() > float64(runtime.GOMAXPROCS(0)) { // there is no processor for it
				continue
			}
			p.add(size.every, f)
			if f.PeriodMS = 100; size.px == usual {
				p.add(fourth, f)
			}
		}
	}
}

// usual is the size of most variants, in pixels.
const usual = 512

// sizes are the picture sizes, with the number of pictures in a run.
var sizes = []struct{ px, jobs, every int }{{256, 20, 1}, {usual, 10, 1}, {1024, 4, 1}, {2048, 2, fourth}}

// asFunction returns v as a function with the given memory and Lambda's period.
func asFunction(v Variant, memory, threads int) Variant {
	v.MemoryMB, v.PeriodMS, v.Threads = memory, 20, threads
	return v
}

// addColdStarts adds starts of one engine that differ only in packaging: from a local disk with an
// empty page cache, as from an archive, and from a network file system, with and without read ahead.
// Starts with everything in memory are the first pictures of other variants. Starts from the network
// file system take longest, and from these the report needs the number of calls, which hardly varies.
func (p *Plan) addColdStarts(engine string) {
	local := Variant{System: Service, Engine: engine, Size: 256, Jobs: 1, Threads: 1, Evicted: true}
	nfs := local
	nfs.Evicted, nfs.NFS, nfs.LatencyMS = false, true, 2
	ahead := nfs
	ahead.ReadAhead = true
	share := asFunction(local, 3007, 2)
	share.Size = usual
	p.add(1, local, share)
	p.add(fifth, nfs, ahead)
}

// addLoads adds the systems under load: each at a steady rate, at which jobs seldom overlap and from
// which simulations are calibrated, and with the patterns that are predicted, which need ten runs.
// Rates keep two processors at most half busy, also processors that take twice as long as an AMD
// EPYC's.
func (p *Plan) addLoads() {
	const slow, steady, others = 4, 5, 6 // jobs a second
	const images = 4.8                   // superposed recordings have too many arrivals at higher rates
	for _, of := range []struct {
		system, engine, network string
		rate                    float64 // of the steady pattern
		every                   int     // of the steady pattern
		patterns                []string
	}{
		{Daemon, ONNX, "", steady, second, []string{Poisson, Bursts, Synthetic}},
		{MiniStack, ONNX, "", slow, second, []string{Poisson}},
		{Synchronous, ONNX, "", steady, second, []string{Bursts}},
		{Concurrent, ONNX, "", steady, second, []string{Poisson}},
		{Daemon, TensorFlow, "", steady, fourth, nil}, // for what an instance sustains
		{Synchronous, TensorFlow, "", steady, second, []string{Poisson}},
		{Flask, TensorFlow, "", steady, second, []string{Poisson}},
		{Synchronous, TensorFlow, Magenta, slow, fourth, nil}, // this one and the next: with which the project began
		{Flask, TensorFlow, Magenta, slow, fourth, nil},
	} {
		v := ofSystem(Variant{System: of.system, Engine: of.engine, Network: of.network, Size: usual, Jobs: statistics.MinimumJobs, Pattern: Steady, Rate: of.rate})
		p.add(of.every, v)
		for _, pattern := range of.patterns {
			if v.Pattern, v.Rate = pattern, others; pattern == Synthetic {
				v.Rate = images
			}
			p.add(1, v)
		}
	}
}

// idleS is the time for which idle environments are kept, in seconds: less than the silence between
// bursts, so that each burst has cold starts and reuse, and short enough for a run.
const idleS = 1

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

// AddTrace replaces the synthetic pattern by the recorded one, which it stands for. A trace that is
// too short, or that has too many jobs when superposed, is an error.
func (p *Plan) AddTrace(t *Trace) error {
	for i, v := range p.Variants {
		if v.Pattern != Synthetic {
			continue
		}
		v.Pattern, v.Trace = Recorded, t.SHA256
		if _, err := t.arrivals(v, rand.New(rand.NewPCG(1, 1))); err != nil { //nolint:gosec // not for secrets
			return err
		}
		p.Variants[i] = v
	}
	return nil
}

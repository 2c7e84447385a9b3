package measurement

import "runtime"

// Full is the plan of a whole measurement.
func Full() Plan {
	p := Plan{Repetitions: 10}
	steps := []int{885, 1769, 3007, 3538} // MB: half, 1, 1.7 and 2 processors
	for _, engine := range []string{TensorFlow, ONNX} {
		p.Variants = append(p.Variants, Variant{System: Service, Engine: engine, Size: 512, Jobs: 1, MemoryMB: 3007, PeriodMS: 20, Threads: 2, Evicted: true})
		for _, ahead := range []bool{false, true} {
			p.Variants = append(p.Variants, Variant{System: Service, Engine: engine, Size: 256, Jobs: 1, Threads: 1, NFS: true, LatencyMS: 2, ReadAhead: ahead})
		}
		for _, size := range []int{256, 512, 1024, 2048} {
			p.Variants = append(p.Variants, Variant{System: Service, Engine: engine, Size: size, Jobs: 20, Threads: 1}) // the machine's own speed
			for _, memory := range steps {
				for _, threads := range []int{1, 2} {
					if memory <= 1769 && threads > 1 { // no processor for it
						continue
					}
					v := Variant{System: Service, Engine: engine, Size: size, Jobs: 20, MemoryMB: memory, PeriodMS: 20, Threads: threads}
					if v.CPUs() > float64(runtime.GOMAXPROCS(0)) {
						continue
					}
					p.Variants = append(p.Variants, v)
					if size == 512 { // how much the period matters
						v.PeriodMS = 100
						p.Variants = append(p.Variants, v)
					}
				}
			}
		}
	}
	for _, load := range []struct {
		pattern string
		rate    float64
	}{{Steady, 2}, {Poisson, 1}, {Poisson, 4}, {Bursts, 1}} {
		p.Variants = append(p.Variants, systems(512, 200, load.pattern, load.rate, TensorFlow, ONNX)...)
	}
	return p
}

// Quick is the plan that tries everything out: its figures mean nothing.
func Quick() Plan {
	p := Plan{Quick: true, Repetitions: 1}
	for _, engine := range []string{TensorFlow, ONNX} {
		v := Variant{System: Service, Engine: engine, Size: 256, Jobs: 3, Threads: 1}
		p.Variants = append(p.Variants, v)
		v.MemoryMB, v.PeriodMS = 1769, 20
		p.Variants = append(p.Variants, v)
	}
	p.Variants = append(p.Variants, Variant{System: Service, Engine: ONNX, Size: 256, Jobs: 1, Threads: 1, Evicted: true})
	p.Variants = append(p.Variants, systems(256, 6, Poisson, 2, ONNX)...)
	return p
}

// systems are all of them with each engine, under one load. The Python server has TensorFlow
// alone.
func systems(size, jobs int, pattern string, rate float64, engines ...string) (all []Variant) {
	cores := runtime.GOMAXPROCS(0)
	v := Variant{Size: size, Jobs: jobs, Pattern: pattern, Rate: rate}
	for _, engine := range engines {
		v.Engine = engine
		v.System = Daemon
		all = append(all, v)
		v.System = MiniStack
		all = append(all, v)
		f := v
		f.MemoryMB, f.Threads = 3007, 1
		f.System, f.Concurrency, f.Environments = Synchronous, 1, max(2, cores)
		all = append(all, f)
		f.System, f.Concurrency, f.Environments = Concurrent, max(2, cores), 1
		all = append(all, f)
	}
	v.System, v.Engine = Flask, TensorFlow
	return append(all, v)
}

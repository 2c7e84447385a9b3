package plan

import (
	"maps"
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// A Source describes where service times come from.
type Source struct {
	Basis   string `json:"basis"`
	From    string `json:"from"`
	Date    string `json:"date"`
	Machine string `json:"machine"`
	Runs    int    `json:"runs"` // the smallest number of any variant; 0 if only medians are known
}

// Times are the service times of pictures of one size, by engine and share of processors.
type Times struct {
	Source Source
	Size   int
	of     map[environment]service
	reads  map[string]cost.Calls // measured calls of a cold start, by engine
}

// environment is an engine with a function's memory in MB, or with the whole machine (0).
type environment struct {
	engine   string
	memoryMB int
}

// service has the measured seconds of each run.
type service struct {
	warm  [][]float64 // of a warm picture
	start [][]float64 // added by a cold start
}

// Scaled returns the times with pictures and cold starts each multiplied by a factor, for
// sensitivities.
func (t Times) Scaled(warm, start float64) Times {
	scaled := maps.Clone(t.of)
	for k, s := range scaled {
		scaled[k] = service{warm: times(s.warm, warm), start: times(s.start, start)}
	}
	t.of = scaled
	return t
}

func times(runs [][]float64, factor float64) [][]float64 {
	all := make([][]float64, len(runs))
	for i, r := range runs {
		for _, v := range r {
			all[i] = append(all[i], v*factor)
		}
	}
	return all
}

// engines returns the engines that have times, in order.
func (t Times) engines() []string {
	found := map[string]bool{}
	for k := range t.of {
		found[k.engine] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// memories returns the memory sizes of functions that have times with an engine, in order.
func (t Times) memories(engine string) (all []int) {
	for k := range t.of {
		if k.engine == engine && k.memoryMB > 0 {
			all = append(all, k.memoryMB)
		}
	}
	slices.Sort(all)
	return all
}

// Measured returns the times of pictures of one size from the runs of a measurement: those of a
// worker alone, with the deployed number of threads. Void runs are ignored. The other runs must be
// of one processor model.
func Measured(runs []*measurement.Run, dir string, size int) (Times, error) {
	t := Times{Size: size, of: map[environment]service{}, reads: map[string]cost.Calls{}}
	by := measurement.ByProcessor(runs)
	if len(by) > 1 {
		return t, invalid("%s has runs of several processor models, which can't be pooled: %v; measure on one machine, into a separate folder", dir, slices.Sorted(maps.Keys(by)))
	}
	found := false
	for processor, good := range by {
		t.Source = Source{Basis: cost.Measured.String(), From: dir, Machine: processor}
		uncached := map[string]float64{}
		for _, engine := range []string{measurement.TensorFlow, measurement.ONNX} {
			if calls, ok := assumptions.MeasuredColdCalls(good, engine); ok {
				t.reads[engine] = calls
			}
			uncached[engine] = assumptions.UncachedSeconds(good, engine)
		}
		for _, r := range good {
			v := r.Header.Variant
			if v.System != measurement.Service || v.Network != "" || v.Size != size || v.Evicted || v.NFS || v.MemoryMB > 0 && v.PeriodMS != 20 || v.Threads != assumptions.Threads(v.MemoryMB) {
				continue
			}
			found = true
			t.Source.Date = max(t.Source.Date, r.Footer.Ended.UTC().Format("2006-01-02"))
			warm, start := r.Times()
			if len(start) == 0 {
				continue
			}
			k := environment{v.Engine, v.MemoryMB}
			s := t.of[k]
			if v.CPUs() > 0 { // a new environment has none of its files cached
				for i := range start {
					start[i] += uncached[v.Engine]
				}
			}
			s.warm, s.start = append(s.warm, warm), append(s.start, start)
			t.of[k] = s
		}
	}
	if !found {
		return t, invalid("%s has no valid run of a worker alone with pictures of %d px and one thread per processor of a function's memory: measure them with scripts/compare --only 'service-*' --out DIR", dir, size)
	}
	for _, s := range t.of {
		if t.Source.Runs == 0 || len(s.warm) < t.Source.Runs {
			t.Source.Runs = len(s.warm)
		}
	}
	if len(t.of) == 0 {
		return t, invalid("%s has no run with both a cold start and a warm picture for %d px: measure with more jobs per run", dir, size)
	}
	return t, nil
}

func pooled(runs [][]float64) []float64 { return slices.Concat(runs...) }

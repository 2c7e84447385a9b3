package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// A Source says where service times are from.
type Source struct {
	Basis   string `json:"basis"`
	From    string `json:"from"`
	Date    string `json:"date"`
	Machine string `json:"machine"`
	Runs    int    `json:"runs"` // the fewest of any; 0 where only medians are known
}

// Times are how long a picture of one size takes, by engine and share of processors.
type Times struct {
	Source Source
	Size   int
	of     map[environment]service
	reads  map[string]cost.Calls // of a cold start by engine, those that were measured
}

// environment is an engine with a function's memory, or with a processor of its own (0).
type environment struct {
	engine   string
	memoryMB int
}

// service are measured seconds of each run.
type service struct {
	warm  [][]float64 // of a picture
	start [][]float64 // that a cold start adds to one
}

// Scaled are times with pictures and cold starts multiplied by a factor each, for sensitivities.
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

// engines are those with times, in order.
func (t Times) engines() []string {
	found := map[string]bool{}
	for k := range t.of {
		found[k.engine] = true
	}
	return slices.Sorted(maps.Keys(found))
}

// memories are the sizes of functions with an engine's times, in order.
func (t Times) memories(engine string) (all []int) {
	for k := range t.of {
		if k.engine == engine && k.memoryMB > 0 {
			all = append(all, k.memoryMB)
		}
	}
	slices.Sort(all)
	return all
}

// Measured takes the times of pictures of one size from the runs of a measurement: those of
// a worker alone, with the threads that are deployed. Void runs don't count, and all that do must be of one
// processor model.
func Measured(runs []*measurement.Run, dir string, size int) (Times, error) {
	t := Times{Size: size, of: map[environment]service{}, reads: map[string]cost.Calls{}}
	by := measurement.ByProcessor(runs)
	if len(by) > 1 {
		return t, invalid("%s has runs of several processor models, which can't be pooled: %v; measure on one machine, into a folder of its own", dir, slices.Sorted(maps.Keys(by)))
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
			if v.CPUs() > 0 { // a new environment has none of its files in memory
				for i := range start {
					start[i] += uncached[v.Engine]
				}
			}
			s.warm, s.start = append(s.warm, warm), append(s.start, start)
			t.of[k] = s
		}
	}
	if !found {
		return t, invalid("%s has no run of a worker alone with pictures of %d px, and as many threads as a function's memory has processors, that is not void: scripts/compare --only 'service-*' --out DIR measures them", dir, size)
	}
	for _, s := range t.of {
		if t.Source.Runs == 0 || len(s.warm) < t.Source.Runs {
			t.Source.Runs = len(s.warm)
		}
	}
	if len(t.of) == 0 {
		return t, invalid("%s has no run with both a start and a picture after it for %d px: measure with more jobs a run", dir, size)
	}
	return t, nil
}

func pooled(runs [][]float64) []float64 { return slices.Concat(runs...) }

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

// engineName is an engine as people write it.
func engineName(engine string) string {
	switch engine {
	case measurement.ONNX:
		return "ONNX Runtime"
	case measurement.TensorFlow:
		return "TensorFlow"
	}
	return fmt.Sprintf("engine %s", engine)
}

package prediction

import (
	"fmt"
	"math"
	"strings"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// serverThreads are how many requests the Python server paints at once (scripts/baseline/server.py).
const serverThreads = 4

// interference is the part by which pictures of one thread each take longer while all other processors
// paint: 0.069 s rather than 0.063 s with TensorFlow, 0.074 s rather than 0.067 s with ONNX Runtime
// (scripts/bench-results.md, threads). Jobs at a steady rate meet no others, and so don't show it.
const interference = 0.1

// A system is the model of one by its calibrating runs, whatever the pattern of arrivals.
type system struct {
	machine   simulation.Machine
	work      simulation.Distribution
	calibrate []*measurement.Run
}

// A missingError is which runs are missing to predict a variant from.
type missingError struct{ runs []string }

func (e *missingError) Error() string {
	return "there are no runs of " + strings.Join(e.runs, " and of ")
}

// calibrated returns the system of a variant by the runs of a processor model that are not void.
func calibrated(v measurement.Variant, runs []*measurement.Run) (*system, error) {
	steady := slowest(v, runs)
	processors := 0
	if len(steady) > 0 {
		processors = steady[0].Header.Machine.UsableCores
	} else if len(runs) > 0 {
		processors = runs[0].Header.Machine.UsableCores
	}
	threads := threadsOf(v, processors)
	alone := aloneRuns(v, threads, runs)
	var missing missingError
	if len(alone) == 0 {
		missing.runs = append(missing.runs, v.Alone(threads).Name())
	}
	if len(steady) == 0 {
		with := v.WithoutLoad()
		with.Pattern = measurement.Steady
		missing.runs = append(missing.runs, strings.TrimSuffix(with.Name(), "-0")+"-*")
	}
	if len(missing.runs) > 0 {
		return nil, &missing
	}
	s := &system{machine: environments(v, processors)}
	s.calibrate = append(append(s.calibrate, steady...), alone...)
	a, err := timesAlone(alone, threads)
	if err != nil {
		return nil, err
	}
	if threads == 1 {
		s.machine.Slowdown = interference
	}
	return s, s.add(v, a, steady)
}

// slowest are a system's runs at the lowest of the steady rates, at which its jobs meet least.
func slowest(v measurement.Variant, runs []*measurement.Run) (found []*measurement.Run) {
	rate := math.Inf(1)
	for _, r := range runs {
		of := r.Header.Variant
		if of.Pattern != measurement.Steady || of.WithoutLoad() != v.WithoutLoad() || of.Rate > rate {
			continue
		}
		if of.Rate < rate {
			found, rate = nil, of.Rate
		}
		found = append(found, r)
	}
	return found
}

// aloneRuns are those of a worker alone with as many threads and processors, or with the most below.
func aloneRuns(v measurement.Variant, threads int, runs []*measurement.Run) (found []*measurement.Run) {
	better := func(a, b measurement.Variant) bool { // whether a is a better match
		switch {
		case a.Threads != b.Threads:
			return a.Threads > b.Threads
		case (a.CPUs() == 0) != (b.CPUs() == 0):
			return a.CPUs() == 0
		case a.MemoryMB != b.MemoryMB:
			return a.MemoryMB > b.MemoryMB
		}
		return a.PeriodMS < b.PeriodMS
	}
	for _, r := range runs {
		of := r.Header.Variant
		if of.System != measurement.Service || of.Threads > threads || of.Alone(of.Threads) != v.Alone(of.Threads) ||
			of.CPUs() > 0 && of.CPUs() < float64(of.Threads) {
			continue
		}
		if len(found) > 0 && better(of, found[0].Header.Variant) {
			found = nil
		}
		if len(found) == 0 || !better(found[0].Header.Variant, of) {
			found = append(found, r)
		}
	}
	return found
}

// threadsOf is how many threads a system's engine has for a picture.
func threadsOf(v measurement.Variant, processors int) int {
	switch {
	case v.Threads > 0:
		return v.Threads
	case v.System == measurement.Flask:
		return max(1, processors) // TensorFlow's own default
	}
	return 1 // as many pictures at once as processors
}

// environments are a system's places for jobs.
func environments(v measurement.Variant, processors int) simulation.Machine {
	m := simulation.Machine{Processors: float64(processors), Environments: 1, JobsAtOnce: 1}
	switch v.System {
	case measurement.Daemon:
		m.JobsAtOnce = processors
	case measurement.Flask:
		m.JobsAtOnce = serverThreads
	case measurement.MiniStack:
		m.Environments = max(2, processors)
	default:
		m.Environments, m.JobsAtOnce = max(1, v.Environments), max(1, v.Concurrency)
	}
	return m
}

// starts is whether a system's environments start with the first jobs.
func starts(v measurement.Variant) bool {
	return v.System != measurement.Daemon && v.System != measurement.Flask
}

// alone is the model of a warm picture by the runs of a worker alone.
type alone struct {
	paint  []float64 // seconds
	demand float64   // processors that a picture occupies
}

func timesAlone(runs []*measurement.Run, threads int) (a alone, err error) {
	used, handler := 0.0, 0.0
	for _, j := range warm(runs) {
		a.paint = append(a.paint, j.Paint)
		used += j.Used
		handler += j.Handler
	}
	if len(a.paint) == 0 {
		return a, fmt.Errorf("the runs of %s have no picture but the first: measure more pictures a run", runs[0].Header.Variant.Name())
	}
	a.demand = float64(threads)
	if used > 0 && handler > 0 {
		a.demand = min(a.demand, used/handler)
	}
	return a, nil
}

// warm are the jobs that have a picture, but for the first of each process.
func warm(runs []*measurement.Run) (jobs []measurement.Job) {
	for _, r := range runs {
		for _, j := range r.Jobs {
			if !j.Cold && j.Failed == "" {
				jobs = append(jobs, j)
			}
		}
	}
	return jobs
}

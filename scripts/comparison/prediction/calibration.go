package prediction

import (
	"fmt"
	"math"
	"strings"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// serverThreads is the number of requests that the Python server paints at once
// (scripts/baseline/server.py).
const serverThreads = 4

// interference is the share by which pictures of one thread each take longer while all other
// processors paint: 0.032 s instead of 0.027 s with TensorFlow, 0.041 s instead of 0.034 s with
// ONNX Runtime (512 x 512, scripts/bench-results.md, threads). Jobs at a steady rate do not overlap,
// so their times do not include it.
const interference = 0.2

// A system is the model of a system, made from its calibrating runs and valid for any pattern of
// arrivals.
type system struct {
	machine   simulation.Machine
	work      simulation.Distribution
	others    float64 // processor seconds per job of programs outside the system
	calibrate []*measurement.Run
	steady    int // the number of calibrating runs of the system itself
}

// calibrated returns the system of a variant, made from the non-void runs of one processor model.
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
	var missing []string
	if len(alone) == 0 {
		missing = append(missing, v.Alone(threads).Name())
	}
	if len(steady) == 0 {
		with := v.WithoutLoad()
		with.Pattern = measurement.Steady
		missing = append(missing, strings.TrimSuffix(with.Name(), "-0")+"-*")
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("there are no runs of %s: scripts/compare --calibrate makes those that are in the plan", strings.Join(missing, " and of "))
	}
	s := &system{machine: environments(v, processors), steady: len(steady)}
	s.calibrate = append(append(s.calibrate, steady...), alone...)
	demand, err := demandAlone(alone, threads)
	if err != nil {
		return nil, err
	}
	if threads == 1 {
		s.machine.Slowdown = interference
	}
	return s, s.add(v, demand, steady)
}

// slowest returns a system's runs at its lowest steady rate, at which jobs overlap least.
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

// aloneRuns returns the runs of a worker alone with the same number of threads and processors, or
// with the highest number below.
func aloneRuns(v measurement.Variant, threads int, runs []*measurement.Run) (found []*measurement.Run) {
	better := func(a, b measurement.Variant) bool { // whether a is the better match
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

// threadsOf returns the number of threads that a system's engine uses for a picture.
func threadsOf(v measurement.Variant, processors int) int {
	switch {
	case v.Threads > 0:
		return v.Threads
	case v.System == measurement.Flask:
		return max(1, processors) // TensorFlow's own default
	}
	return 1 // as many pictures at once as there are processors
}

// environments returns the number and size of a system's environments.
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
		m.Environments, m.JobsAtOnce, m.Idle = max(1, v.Environments), max(1, v.Concurrency), float64(v.IdleS)
	}
	return m
}

// starts returns whether a system starts environments with the first jobs.
func starts(v measurement.Variant) bool {
	return v.System != measurement.Daemon && v.System != measurement.Flask
}

// demandAlone returns the number of processors that a warm picture occupies in runs of a worker
// alone, at most the number of threads.
func demandAlone(runs []*measurement.Run, threads int) (float64, error) {
	jobs := warm(runs)
	if len(jobs) == 0 {
		return 0, fmt.Errorf("the runs of %s have only their first picture: measure more pictures per run", runs[0].Header.Variant.Name())
	}
	used, handler := 0.0, 0.0
	for _, j := range jobs {
		used += j.Used
		handler += j.Handler
	}
	if used > 0 && handler > 0 {
		return min(float64(threads), used/handler), nil
	}
	return float64(threads), nil
}

// warm returns the successful jobs, without the first of each process.
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

package prediction

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// add completes a system from its steady runs: the times of the work on a picture, before it and
// after it, the processor time of other programs, and the time of a start. demand is the number of
// processors that the work of a worker alone occupies.
func (s *system) add(v measurement.Variant, demand float64, steady []*measurement.Run) (err error) {
	var received, work, after []float64
	jobs := undisturbed(steady)
	if len(jobs) == 0 {
		return fmt.Errorf("the runs of %s have only the first picture of each process: measure more jobs per run", steady[0].Header.Variant.Name())
	}
	for _, j := range jobs {
		if j.Handler == 0 {
			return fmt.Errorf("the runs of %s lack the handler's times: measure them again", steady[0].Header.Variant.Name())
		}
		received = append(received, max(0, j.Received-j.Waited)) // without the wait for an environment, which is simulated
		work = append(work, j.Handler)
		after = append(after, max(0, j.Latency-j.Received-j.Handler))
	}
	start := 0.0
	if starts(v) {
		var extra []float64
		usual := statistics.Mean(received) + statistics.Mean(work) + statistics.Mean(after)
		for _, r := range steady {
			for _, j := range r.Jobs {
				if j.Cold && j.Failed == "" {
					extra = append(extra, max(0, j.Latency-usual))
				}
			}
		}
		if len(extra) == 0 {
			return fmt.Errorf("the runs of %s have no cold start: measure them again", steady[0].Header.Variant.Name())
		}
		start = statistics.Mean(extra)
		if s.machine.Start, err = simulation.Empirical(extra); err != nil {
			return err
		}
	}
	// Processor time of other programs per job: first the part before its work for which the job
	// waits, then the remainder, at the same time as later jobs.
	all := processorTime(steady, start)
	demand = min(demand, all/statistics.Mean(work))
	others := all - demand*statistics.Mean(work)
	s.others = notOfSystem(steady)
	before := min(others, statistics.Mean(received))
	for i := range received {
		received[i] = max(0, received[i]-before)
	}
	m := &s.machine
	m.Demand, m.Before, m.Beside = demand, simulation.Constant(before), simulation.Constant(others-before)
	if m.Delay, err = simulation.Empirical(received); err != nil {
		return err
	}
	if m.After, err = simulation.Empirical(after); err != nil {
		return err
	}
	s.work, err = simulation.Empirical(work)
	return err
}

// undisturbed returns the warm jobs that were sent when all earlier ones had ended, because the
// effect of overlapping jobs is simulated. If these are fewer than a tenth, it returns all warm
// jobs.
func undisturbed(runs []*measurement.Run) []measurement.Job {
	all := warm(runs)
	var jobs []measurement.Job
	for _, r := range runs {
		ended := 0.0
		for _, j := range r.Jobs { // in the order in which they were sent
			if !j.Cold && j.Failed == "" && j.Scheduled >= ended {
				jobs = append(jobs, j)
			}
			ended = max(ended, j.Scheduled+j.Latency)
		}
	}
	if 10*len(jobs) < len(all) {
		return all
	}
	return jobs
}

// processorTime returns the mean processor time per job in seconds, without the starts: more than
// 0.
func processorTime(runs []*measurement.Run, start float64) float64 {
	used, jobs := 0.0, 0
	for _, r := range runs {
		used += r.Busy().All() - start*float64(r.ColdJobs())
		jobs += len(r.Jobs)
	}
	return max(1e-6, used/float64(jobs))
}

// notOfSystem returns the mean processor time per job of the load generator and the emulators of
// AWS.
func notOfSystem(runs []*measurement.Run) float64 {
	used, jobs := 0.0, 0
	for _, r := range runs {
		b := r.Busy()
		used += b.StandIns + b.Sender
		jobs += len(r.Jobs)
	}
	return used / float64(jobs)
}

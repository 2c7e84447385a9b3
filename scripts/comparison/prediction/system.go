package prediction

import (
	"fmt"
	"math/rand/v2"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// add completes a system by its steady runs: what it adds to the painting of a picture, before the
// work, within it and after, and to the processors' work, and what a start takes.
func (s *system) add(v measurement.Variant, a alone, steady []*measurement.Run) (err error) {
	var received, rest, after, latencies []float64
	jobs := undisturbed(steady)
	for _, j := range jobs {
		latencies = append(latencies, j.Latency)
	}
	if len(jobs) == 0 {
		return fmt.Errorf("the runs of %s have no picture that was not the first of its process: measure more jobs a run", steady[0].Header.Variant.Name())
	}
	for _, j := range jobs {
		if j.Handler == 0 { // the system has no log of its stages
			received, after, rest = append(received, 0), append(after, 0), append(rest, max(0, mean(latencies)-mean(a.paint)))
			continue
		}
		received = append(received, max(0, j.Received-j.Waited)) // waiting for an environment is simulated
		rest = append(rest, max(0, j.Handler-j.Paint))
		after = append(after, max(0, j.Latency-j.Received-j.Handler))
	}
	start := 0.0
	if starts(v) {
		var extra []float64
		usual := mean(received) + mean(rest) + mean(after) + mean(a.paint)
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
		start = mean(extra)
		if s.machine.Start, err = simulation.Empirical(extra); err != nil {
			return err
		}
	}
	// What other programs take of the processors for a job: first, before its work, as far as it waits
	// for that, and the remainder at the same time as later jobs.
	all, work := processorTime(steady, start), mean(a.paint)+mean(rest)
	demand := min(a.demand, all/work)
	others := all - demand*work
	before := min(others, mean(received))
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
	paint, err := simulation.Empirical(a.paint)
	if err != nil {
		return err
	}
	other, err := simulation.Empirical(rest)
	if err != nil {
		return err
	}
	s.work = func(random *rand.Rand) float64 { return paint(random) + other(random) }
	return nil
}

// undisturbed are the warm jobs that were sent when all before them had ended: what others take that
// meet in a system is simulated. Where these are fewer than a tenth, it is all warm ones.
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

// processorTime is what a job takes of the processors, on average, besides the starts: more than 0 s.
func processorTime(runs []*measurement.Run, start float64) float64 {
	used, jobs := 0.0, 0
	for _, r := range runs {
		used += r.ProcessorSeconds() - start*float64(r.ColdJobs())
		jobs += len(r.Jobs)
	}
	return max(1e-6, used/float64(jobs))
}

func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

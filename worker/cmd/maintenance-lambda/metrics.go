package main

import (
	"github.com/atelier-go/atelier/pkg/emf"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// sweeps writes the metrics of a sweep. Sweeps is the heartbeat: an alarm on its absence
// notices that nobody looks after lost jobs.
func sweeps(e *emf.Writer) func(sweeper.Report) {
	return func(r sweeper.Report) {
		e.Write(nil, emf.One("Sweeps"), emf.MS("SweepDuration", r.Took),
			emf.Metric{Name: "UnfinishedJobs", Unit: emf.Count, Value: float64(r.Unfinished)},
			emf.Metric{Name: "JobsResent", Unit: emf.Count, Value: float64(r.Resent)},
			emf.Metric{Name: "DeadLetters", Unit: emf.Count, Value: float64(r.Dead)},
			emf.Metric{Name: "JobsTimedOut", Unit: emf.Count, Value: float64(r.TimedOut)},
			emf.Metric{Name: "JobsExpired", Unit: emf.Count, Value: float64(r.Expired)})
	}
}

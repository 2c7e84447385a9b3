package main

import (
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/emf"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// sweeps returns a function that writes the metrics of a sweep. Sweeps is the heartbeat: an alarm on its
// absence detects that lost jobs are not repaired.
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

// copies returns a function that writes the metrics of a step of the copier. They are not written while
// nothing fails and nothing waits, because a metric costs money in each hour in which it is written.
func copies(e *emf.Writer) func(datasync.Report) {
	return func(r datasync.Report) {
		var metrics []emf.Metric
		if r.Failed > 0 {
			metrics = append(metrics, emf.Metric{Name: "CopiesFailed", Unit: emf.Count, Value: float64(r.Failed)})
		}
		if r.Waited > 0 {
			metrics = append(metrics, emf.MS("CopyDelay", r.Waited))
		}
		if len(metrics) > 0 {
			e.Write(nil, metrics...)
		}
	}
}

package main

import (
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/emf"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// sweeps returns a function that writes the metrics of a sweep. Sweeps is the heartbeat: an alarm on its
// absence detects that lost jobs are not repaired. RetentionBehind is written only while it is not 0, because
// a metric costs money in each hour in which it is written.
func sweeps(e *emf.Writer) func(sweeper.Report) {
	return func(r sweeper.Report) {
		metrics := []emf.Metric{
			emf.One("Sweeps"), emf.MS("SweepDuration", r.Took),
			{Name: "UnfinishedJobs", Unit: emf.Count, Value: float64(r.Unfinished)},
			{Name: "JobsResent", Unit: emf.Count, Value: float64(r.Resent)},
			{Name: "DeadLetters", Unit: emf.Count, Value: float64(r.Dead)},
			{Name: "JobsTimedOut", Unit: emf.Count, Value: float64(r.TimedOut)},
			{Name: "JobsExpired", Unit: emf.Count, Value: float64(r.Expired)},
		}
		if r.Behind > 0 {
			metrics = append(metrics, emf.MS("RetentionBehind", r.Behind))
		}
		e.Write(nil, metrics...)
	}
}

// copies returns a function that writes the metrics of a step of the copier. They are not written while
// nothing fails and nothing waits, for the same reason.
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

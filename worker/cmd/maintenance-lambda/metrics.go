package main

import (
	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// sweeps returns a function that writes the metrics of a sweep. Sweeps shows that the sweeper is alive: an
// alarm on its absence detects that lost jobs are not repaired. RetentionBehind is written only while it is not 0, because
// a metric costs money in each hour in which it is written.
func sweeps(e *cloudwatch.Writer) func(sweeper.Report) {
	return func(r sweeper.Report) {
		metrics := []cloudwatch.Metric{
			cloudwatch.One("Sweeps"), cloudwatch.MS("SweepDuration", r.Took),
			{Name: "UnfinishedJobs", Unit: cloudwatch.Count, Value: float64(r.Unfinished)},
			{Name: "JobsResent", Unit: cloudwatch.Count, Value: float64(r.Resent)},
			{Name: "DeadLetters", Unit: cloudwatch.Count, Value: float64(r.Dead)},
			{Name: "JobsTimedOut", Unit: cloudwatch.Count, Value: float64(r.TimedOut)},
			{Name: "JobsExpired", Unit: cloudwatch.Count, Value: float64(r.Expired)},
		}
		if r.Behind > 0 {
			metrics = append(metrics, cloudwatch.MS("RetentionBehind", r.Behind))
		}
		e.Write(nil, metrics...)
	}
}

// copies returns a function that writes the metrics of a step of the copier. They are not written while
// nothing fails and nothing waits, for the same reason.
func copies(e *cloudwatch.Writer) func(datasync.Report) {
	return func(r datasync.Report) {
		var metrics []cloudwatch.Metric
		if r.Failed > 0 {
			metrics = append(metrics, cloudwatch.Metric{Name: "CopiesFailed", Unit: cloudwatch.Count, Value: float64(r.Failed)})
		}
		if r.Waited > 0 {
			metrics = append(metrics, cloudwatch.MS("CopyDelay", r.Waited))
		}
		if len(metrics) > 0 {
			e.Write(nil, metrics...)
		}
	}
}

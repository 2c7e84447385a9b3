package main

import (
	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// sweeps returns a function that writes the metrics of a sweep. Sweeps shows that the sweeper is
// alive: an alarm on its absence detects that lost jobs are not repaired.
func sweeps(e *cloudwatch.Writer) func(sweeper.Report) {
	return func(r sweeper.Report) {
		e.Write(nil, cloudwatch.One("Sweeps"), cloudwatch.MS("SweepDuration", r.Took),
			cloudwatch.Metric{Name: "UnfinishedJobs", Unit: cloudwatch.Count, Value: float64(r.Unfinished)},
			cloudwatch.Metric{Name: "JobsResent", Unit: cloudwatch.Count, Value: float64(r.Resent)},
			cloudwatch.Metric{Name: "DeadLetters", Unit: cloudwatch.Count, Value: float64(r.Dead)},
			cloudwatch.Metric{Name: "JobsTimedOut", Unit: cloudwatch.Count, Value: float64(r.TimedOut)},
			cloudwatch.Metric{Name: "JobsExpired", Unit: cloudwatch.Count, Value: float64(r.Expired)})
	}
}

// copies returns a function that writes the metrics of the copies to the bucket. While nothing
// fails and nothing waits it writes none, because a metric costs money in each hour in which it is
// written.
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

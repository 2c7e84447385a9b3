package main

import (
	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/worker"
)

// outcomes maps the outcomes of attempts to the names of the metrics that count them.
var outcomes = map[worker.Outcome]string{
	worker.Succeeded: "JobsSucceeded", worker.Failed: "JobsFailed", worker.GivenBack: "JobsGivenBack",
	worker.Lost: "JobsLost", worker.Stuck: "JobsStuck",
}

// reportMetrics returns a function that writes the metrics of an attempt that has ended. It leaves
// out values of 0, because a metric that is not written costs nothing.
func reportMetrics(e *cloudwatch.Writer) func(worker.Report) {
	return func(a worker.Report) {
		metrics := []cloudwatch.Metric{cloudwatch.One(outcomes[a.Outcome])}
		r := a.Receipt
		for _, m := range []cloudwatch.Metric{
			{Name: "Decode", Unit: cloudwatch.Milliseconds, Value: r.DecodeMS},
			{Name: "Stylize", Unit: cloudwatch.Milliseconds, Value: r.StylizeMS},
			{Name: "Encode", Unit: cloudwatch.Milliseconds, Value: r.EncodeMS},
		} {
			if m.Value > 0 {
				metrics = append(metrics, m)
			}
		}
		if a.Number == 1 && r.QueueWaitMS > 0 { // later attempts have waited for other reasons too
			metrics = append(metrics, cloudwatch.Metric{Name: "QueueWait", Unit: cloudwatch.Milliseconds, Value: r.QueueWaitMS})
		}
		if r.ColdStart {
			metrics = append(metrics, cloudwatch.One("ColdStarts"))
		}
		properties := map[string]any{"job": a.Message.Job, "run": a.Message.Run, "attempt": a.Number}
		if a.Message.Request != "" {
			properties["request"] = a.Message.Request
		}
		if a.Code != "" {
			properties["code"] = a.Code
		}
		e.Write(properties, metrics...)
	}
}

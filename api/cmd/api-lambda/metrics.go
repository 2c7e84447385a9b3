package main

import (
	"net/http"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/cloudwatch"
)

// logRequest writes the log line of a request, which contains its metrics. The route is a property
// of the line and not a dimension of the metrics, because every route would add metrics to pay for;
// queries of the log can select by it all the same.
func (g *gateway) logRequest(in *invocation, status int, took time.Duration) {
	e := in.event
	metrics := []cloudwatch.Metric{cloudwatch.One("Requests")}
	switch {
	case status >= 500:
		metrics = append(metrics, cloudwatch.One("ServerErrors"))
	case status >= 400:
		metrics = append(metrics, cloudwatch.One("ClientErrors"))
	case status == http.StatusAccepted && in.pattern == "POST /v1/jobs":
		metrics = append(metrics, cloudwatch.One("Submissions"))
	}
	if !strings.Contains(e.RawQueryString, "wait=") { // these requests wait on purpose
		metrics = append(metrics, cloudwatch.MS("Latency", took))
	}
	route := in.pattern
	if route == "" {
		route = "none"
	}
	g.metrics.Write(map[string]any{
		"level": "INFO", "msg": "answered", "request": e.RequestContext.RequestID, "route": route, "status": status,
		"method": e.RequestContext.HTTP.Method, "path": e.RawPath, // without the query, which may contain the signature of a link
		"took_ms": float64(took.Microseconds()) / 1000,
	}, metrics...)
}

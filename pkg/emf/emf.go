// Package emf writes metrics as CloudWatch's embedded metric format has them: lines of
// JSON in a function's log, out of which CloudWatch makes metrics. There is no request to
// AWS, and nothing to flush before a function is frozen.
//
// All metrics are in one [Namespace], with two dimensions, Service and Deployment. Each
// name of a service is a metric to pay for (0.30 $ a month while it is written, by the
// hour); what else a line says, such as a job's id, costs nothing but the log.
package emf

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"sync"
	"time"
)

// Namespace is that of all metrics.
const Namespace = "Atelier"

// A Unit is one of CloudWatch's.
type Unit string

// The units in use.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
)

// A Metric is one value.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64 // not a number, or infinite: the metric is left out
}

// MS is a time as a Metric.
func MS(name string, d time.Duration) Metric {
	return Metric{name, Milliseconds, float64(d.Microseconds()) / 1000}
}

// One is a Metric that counts one event.
func One(name string) Metric { return Metric{name, Count, 1} }

// A Writer writes the metrics of a service, such as worker, of a deployment, such as the
// CloudFormation stack's name. It is safe for concurrent use.
type Writer struct {
	mu                  sync.Mutex
	w                   io.Writer
	service, deployment string
}

// New is a Writer that writes each line with one call of w.
func New(w io.Writer, service, deployment string) *Writer {
	if deployment == "" {
		deployment = "default" // CloudWatch takes no empty dimension
	}
	return &Writer{w: w, service: service, deployment: deployment}
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct {
	Name string
	Unit Unit
}

// Write writes a line with at most 100 metrics. properties are what else it says; their
// names must not be those of metrics or dimensions, nor _aws. A line that can't be written
// is lost.
func (e *Writer) Write(properties map[string]any, metrics ...Metric) {
	line := map[string]any{"Service": e.service, "Deployment": e.deployment}
	for name, value := range properties {
		line[name] = value
	}
	d := directive{Namespace: Namespace, Dimensions: [][]string{{"Service", "Deployment"}}, Metrics: []definition{}}
	for _, m := range metrics {
		if math.IsNaN(m.Value) || math.IsInf(m.Value, 0) {
			continue
		}
		line[m.Name] = m.Value
		d.Metrics = append(d.Metrics, definition{m.Name, m.Unit})
	}
	line["_aws"] = map[string]any{"Timestamp": time.Now().UnixMilli(), "CloudWatchMetrics": []directive{d}}
	b, err := json.Marshal(line)
	if err != nil { // a property that has no JSON
		b, _ = json.Marshal(map[string]string{"level": "ERROR", "msg": "metrics were lost", "error": fmt.Sprint(err)}) // strings can't fail
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.w.Write(append(b, '\n'))
}

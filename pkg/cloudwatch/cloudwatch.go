// Package cloudwatch writes metrics in CloudWatch's embedded metric format: lines of JSON in the
// log of a function, from which CloudWatch makes metrics. It sends no requests, and nothing has to
// be flushed before a function is frozen.
//
// All metrics are in one [Namespace], with two dimensions, Service and Deployment. Each name of a
// metric costs 0.30 $ a month for each service, in proportion to the hours in which it is written.
// The other members of a line, such as a job's id, cost no more than their bytes in the log.
package cloudwatch

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"sync"
	"time"
)

// Namespace is the namespace of all metrics.
const Namespace = "Atelier"

// A Unit is a unit of CloudWatch.
type Unit string

// The units that are used.
const (
	Count        Unit = "Count"
	Milliseconds Unit = "Milliseconds"
)

// A Metric is one value.
type Metric struct {
	Name  string
	Unit  Unit
	Value float64 // a metric that is NaN or infinite is left out
}

// MS returns a Metric of a duration in milliseconds.
func MS(name string, d time.Duration) Metric {
	return Metric{name, Milliseconds, float64(d.Microseconds()) / 1000}
}

// One returns a Metric that counts one event.
func One(name string) Metric { return Metric{name, Count, 1} }

// A Writer writes the metrics of one service, such as worker, in one deployment, which has the name
// of the CloudFormation stack. It is safe for concurrent use.
type Writer struct {
	mu                  sync.Mutex
	w                   io.Writer
	service, deployment string
}

// New returns a Writer that writes each line with one call of w.Write.
func New(w io.Writer, service, deployment string) *Writer {
	if deployment == "" {
		deployment = "default" // CloudWatch refuses empty dimensions
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

// Write writes one line with at most 100 metrics. properties are its other members; no name in it
// may be that of a metric or dimension, or _aws. Errors of the underlying writer are ignored.
func (e *Writer) Write(properties map[string]any, metrics ...Metric) {
	line := map[string]any{"Service": e.service, "Deployment": e.deployment}
	maps.Copy(line, properties)
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
	if err != nil { // a property can't be encoded
		b, _ = json.Marshal(map[string]string{"level": "ERROR", "msg": "could not write metrics", "error": fmt.Sprint(err)}) // encoding strings can't fail
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, _ = e.w.Write(append(b, '\n'))
}

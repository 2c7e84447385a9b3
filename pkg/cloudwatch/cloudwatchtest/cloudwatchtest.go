// Package cloudwatchtest checks whether lines of a log are valid in CloudWatch's embedded metric
// format, and follow the project's own rules for metrics.
package cloudwatchtest

import (
	"bufio"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/cloudwatch"
)

// A Line is a line with metrics, parsed.
type Line struct {
	Metrics    map[string]float64
	Properties map[string]any // all other members, including dimensions
}

// Lines returns the lines of a log that have metrics, in order, and skips all others. An invalid
// line fails the test.
func Lines(t testing.TB, log string) (lines []Line) {
	t.Helper()
	scan := bufio.NewScanner(strings.NewReader(log))
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		if !strings.Contains(scan.Text(), `"_aws"`) {
			continue
		}
		line, err := Check(scan.Text())
		if err != nil {
			t.Errorf("%v: %s", err, scan.Text())
			continue
		}
		lines = append(lines, line)
	}
	if err := scan.Err(); err != nil {
		t.Error(err)
	}
	return lines
}

// Total returns the sum of a metric over lines, and how many lines have it.
func Total(lines []Line, name string) (sum float64, n int) {
	for _, l := range lines {
		if v, ok := l.Metrics[name]; ok {
			sum, n = sum+v, n+1
		}
	}
	return sum, n
}

const maxLine = 1 << 20 // the limit of a log event in bytes

// units are the units that CloudWatch accepts (MetricDatum).
var units = strings.Fields("Seconds Microseconds Milliseconds Bytes Kilobytes Megabytes Gigabytes Terabytes " +
	"Bits Kilobits Megabits Gigabits Terabits Percent Count Bytes/Second Kilobytes/Second Megabytes/Second " +
	"Gigabytes/Second Terabytes/Second Bits/Second Kilobits/Second Megabits/Second Gigabits/Second " +
	"Terabits/Second Count/Second None")

// Check parses one line. The error says how it violates the specification.
func Check(text string) (Line, error) {
	line := Line{Metrics: map[string]float64{}, Properties: map[string]any{}}
	if len(text) > maxLine {
		return line, fmt.Errorf("%d bytes, over the limit of a log event", len(text))
	}
	var root map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &root); err != nil {
		return line, fmt.Errorf("not one JSON object: %w", err)
	}
	var metadata struct {
		Timestamp         *int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct {
				Name, Unit        string
				StorageResolution int
			}
		}
	}
	dec := json.NewDecoder(strings.NewReader(string(root["_aws"])))
	dec.DisallowUnknownFields() // the specification allows no other members
	if err := dec.Decode(&metadata); err != nil {
		return line, fmt.Errorf("_aws: %w", err)
	}
	if metadata.Timestamp == nil {
		return line, fmt.Errorf("there is no Timestamp")
	}
	age := time.Since(time.UnixMilli(*metadata.Timestamp))
	if age > 14*24*time.Hour || age < -2*time.Hour {
		return line, fmt.Errorf("the Timestamp is %s old: CloudWatch accepts at most two weeks, and two hours in the future", age)
	}
	if len(metadata.CloudWatchMetrics) == 0 {
		return line, fmt.Errorf("there is no metric directive")
	}
	delete(root, "_aws")
	for _, d := range metadata.CloudWatchMetrics {
		if d.Namespace != cloudwatch.Namespace {
			return line, fmt.Errorf("the namespace is %q", d.Namespace)
		}
		if len(d.Metrics) > 100 {
			return line, fmt.Errorf("%d metrics in a directive, over 100", len(d.Metrics))
		}
		if len(d.Dimensions) == 0 {
			return line, fmt.Errorf("there is no set of dimensions")
		}
		for _, set := range d.Dimensions {
			if len(set) > 30 {
				return line, fmt.Errorf("%d dimensions in a set, over 30", len(set))
			}
			for _, name := range set {
				var value string
				if err := json.Unmarshal(root[name], &value); err != nil || value == "" || len(value) > 1024 {
					return line, fmt.Errorf("the dimension %s is %s: it must be a string of 1 to 1024 characters", name, root[name])
				}
			}
		}
		for _, m := range d.Metrics {
			var value float64
			switch err := json.Unmarshal(root[m.Name], &value); {
			case m.Name == "" || len(m.Name) > 1024:
				return line, fmt.Errorf("a metric's name has %d characters; allowed are 1 to 1024", len(m.Name))
			case err != nil:
				return line, fmt.Errorf("the metric %s is %s: it must be a number", m.Name, root[m.Name])
			case !slices.Contains(units, m.Unit):
				return line, fmt.Errorf("the metric %s has the unit %q", m.Name, m.Unit)
			case m.StorageResolution != 0 && m.StorageResolution != 1 && m.StorageResolution != 60:
				return line, fmt.Errorf("the metric %s has the resolution %d", m.Name, m.StorageResolution)
			}
			if _, twice := line.Metrics[m.Name]; twice {
				return line, fmt.Errorf("the metric %s occurs twice", m.Name)
			}
			line.Metrics[m.Name] = value
			delete(root, m.Name)
		}
	}
	for name, raw := range root {
		var value any
		if err := json.Unmarshal(raw, &value); err != nil {
			return line, err
		}
		line.Properties[name] = value
	}
	return line, nil
}

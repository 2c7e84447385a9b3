package cloudwatch_test

import (
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/pkg/cloudwatch/cloudwatchtest"
)

func TestWrite(t *testing.T) {
	var b strings.Builder
	e := cloudwatch.New(&b, "worker", "atelier-prod")
	e.Write(map[string]any{"job": "a\nb", "request": "<&>"}, cloudwatch.One("Jobs"), cloudwatch.MS("Decode", 1500*time.Microsecond),
		cloudwatch.Metric{Name: "Bad", Unit: cloudwatch.Count, Value: math.NaN()})
	e.Write(nil)
	cloudwatch.New(&b, "api", "").Write(nil, cloudwatch.One("Requests"))
	if n := strings.Count(b.String(), "\n"); n != 3 {
		t.Errorf("%d lines: %s", n, b.String())
	}
	lines := cloudwatchtest.Lines(t, b.String())
	if len(lines) != 3 {
		t.Fatalf("got %d lines", len(lines))
	}
	l := lines[0]
	if l.Metrics["Jobs"] != 1 || l.Metrics["Decode"] != 1.5 || len(l.Metrics) != 2 {
		t.Errorf("metrics: %v", l.Metrics)
	}
	if l.Properties["job"] != "a\nb" || l.Properties["Service"] != "worker" || l.Properties["Deployment"] != "atelier-prod" {
		t.Errorf("properties: %v", l.Properties)
	}
	if lines[2].Properties["Deployment"] != "default" {
		t.Errorf("without a deployment: %v", lines[2].Properties)
	}
}

func TestConcurrentWrites(t *testing.T) {
	var b strings.Builder
	e := cloudwatch.New(&b, "worker", "x")
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { e.Write(nil, cloudwatch.One("Jobs")) })
	}
	all.Wait()
	if sum, n := cloudwatchtest.Total(cloudwatchtest.Lines(t, b.String()), "Jobs"); sum != 50 || n != 50 {
		t.Errorf("got %v in %d lines", sum, n)
	}
}

func TestPropertyThatCannotBeEncoded(t *testing.T) {
	var b strings.Builder
	cloudwatch.New(&b, "worker", "x").Write(map[string]any{"f": func() {}}, cloudwatch.One("Jobs"))
	if !strings.Contains(b.String(), `"could not write metrics"`) || strings.Count(b.String(), "\n") != 1 {
		t.Errorf("got %s", b.String())
	}
}

// TestCheckFindsFaults tests cloudwatchtest.Check: it must detect a violation of each rule of the
// specification.
func TestCheckFindsFaults(t *testing.T) {
	var b strings.Builder
	cloudwatch.New(&b, "worker", "x").Write(nil, cloudwatch.One("Jobs"))
	good := strings.TrimSpace(b.String())
	if _, err := cloudwatchtest.Check(good); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"not JSON":              good + "}",
		"text before it":        "INFO " + good,
		"another namespace":     strings.Replace(good, `"Namespace":"Atelier"`, `"Namespace":"Other"`, 1),
		"an unknown unit":       strings.Replace(good, `"Unit":"Count"`, `"Unit":"Jobs"`, 1),
		"a value that is text":  strings.Replace(good, `"Jobs":1`, `"Jobs":"1"`, 1),
		"a missing value":       strings.Replace(good, `"Jobs":1`, `"Job":1`, 1),
		"a missing dimension":   strings.Replace(good, `"Service":"worker"`, `"S":"worker"`, 1),
		"an empty dimension":    strings.Replace(good, `"Service":"worker"`, `"Service":""`, 1),
		"no timestamp":          strings.Replace(good, `"Timestamp"`, `"Time"`, 1),
		"an unknown member":     strings.Replace(good, `"Namespace"`, `"More":1,"Namespace"`, 1),
		"an old timestamp":      strings.Replace(good, `"Timestamp":1`, `"Timestamp":`, 1),
		"no set of dimensions":  strings.Replace(good, `[["Service","Deployment"]]`, `[]`, 1),
		"a number as dimension": strings.Replace(good, `"Service":"worker"`, `"Service":1`, 1),
	} {
		if bad == good {
			t.Errorf("%s: the line is unchanged", name)
		}
		if _, err := cloudwatchtest.Check(bad); err == nil {
			t.Errorf("%s was not detected: %s", name, bad)
		}
	}
}

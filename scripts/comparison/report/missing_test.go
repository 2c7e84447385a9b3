package report

import (
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
)

// A report of a measurement that goes on begins with what is not final.
func TestIncomplete(t *testing.T) {
	f := measuredIn(loaded, 10, unchanged)
	if got := f.incomplete(); got != nil {
		t.Errorf("with all runs: %q", got)
	}
	bursts := loaded
	bursts.Pattern = measurement.Bursts
	f.plan.Variants = append(f.plan.Variants, bursts)
	f.runs = append(f.runs, measuredIn(bursts, 1, unchanged).runs...)
	f.predictions = &prediction.File{Made: time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC), Predictions: []prediction.Prediction{
		{Variant: loaded.Name(), Figure: prediction.P50, Value: 0.1, Calibrating: 10}, {Variant: bursts.Name(), Figure: prediction.P50, Value: 0.1, Calibrating: 10},
	}}
	got := strings.Join(f.incomplete(), "\n")
	for _, want := range []string{
		"9 planned runs are missing, of 1 of the 2 variants", "Bills and recommendations may still change slightly", "not final for jobs in bursts of 20, 1 jobs/s.",
		"1 of 2 predictions cannot be judged yet",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in:\n%s", want, got)
		}
	}
	f.plan.Variants = append(f.plan.Variants, service(0, 1))
	if got := strings.Join(f.incomplete(), "\n"); !strings.Contains(got, "Bills and recommendations are not final") {
		t.Errorf("without a worker alone:\n%s", got)
	}
}

// The notice is in each format of the report.
func TestIncompleteReport(t *testing.T) {
	plan := measurement.Plan{Repetitions: 2, Seed: 1, Variants: []measurement.Variant{loaded}}
	dir := synthetic(t, plan)
	page, markdown, values := formats(t, dir, least)
	if strings.Contains(page+markdown+values, "Incomplete:") {
		t.Error("a complete measurement's report has the notice")
	}
	plan.Repetitions = 3
	dir = synthetic(t, plan)
	if err := removeRun(dir, loaded.Name()+".003."); err != nil {
		t.Fatal(err)
	}
	page, markdown, values = formats(t, dir, least)
	if got := section(t, values, "latency").Charts[0].Rows; len(got) != 1 || got[0] != "server and daemon, ONNX Runtime (runs: 2)" {
		t.Errorf("the chart's rows are %q", got)
	}
	for name, text := range map[string]string{"HTML": page, "Markdown": markdown, "JSON": values} {
		if !strings.Contains(text, "Incomplete: 1 planned runs are missing, of 1 of the 1 variants") {
			t.Errorf("%s has no notice", name)
		}
	}
}

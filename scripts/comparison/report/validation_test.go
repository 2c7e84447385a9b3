package report

import (
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
)

// The interval is that of one run, to which one run is held and not a mean of several.
func TestSimFaaSIsOneRun(t *testing.T) {
	table, err := simFaaS()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range table.Rows {
		if r[0] == "cold starts" && r[4] != "1,220.0" { // with the seed 0
			t.Errorf("got %q", r)
		}
		if r[5] != "holds" {
			t.Errorf("it misses: %q", r)
		}
	}
}

// Where all runs are void, predictions have none to be held to.
func TestPredictionsOfVoidRuns(t *testing.T) {
	f := folder{
		runs:        []*measurement.Run{{Footer: measurement.Footer{Void: "the sender lagged"}}},
		predictions: &prediction.File{Predictions: []prediction.Prediction{{Variant: "daemon-onnx-512px-poisson-1", Figure: prediction.P50, Value: 1}}},
	}
	if rows := f.predicted().Rows; len(rows) != 1 || rows[0][8] != "no runs" {
		t.Errorf("got %q", rows)
	}
}

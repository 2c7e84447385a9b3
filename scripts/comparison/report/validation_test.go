package report

import (
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
)

// The interval of SimFaaS is for a single run, so a single simulated run is compared with it.
func TestSimFaaSIsComparedWithOneRun(t *testing.T) {
	table, err := simFaaS()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range table.Rows {
		if r[0] == "cold starts" && r[4] != "1,220.0" { // with the seed 0
			t.Errorf("got %q", r)
		}
		if r[5] != "holds" {
			t.Errorf("got a miss: %q", r)
		}
	}
}

// If all runs are void, predictions have no runs to be compared with.
func TestPredictionsOfVoidRuns(t *testing.T) {
	f := folder{
		runs:        []*measurement.Run{{Footer: measurement.Footer{Void: "the load generator was late"}}},
		predictions: &prediction.File{Predictions: []prediction.Prediction{{Variant: "daemon-onnx-512px-poisson-1", Figure: prediction.P50, Value: 1}}},
	}
	if rows := f.predicted().Rows; len(rows) != 1 || rows[0][8] != "no runs" {
		t.Errorf("got %q", rows)
	}
}

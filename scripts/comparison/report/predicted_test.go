package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
	"github.com/atelier-go/atelier/scripts/comparison/prediction/predictiontest"
)

// judged are how the report judges the predictions of a folder, by variant and figure.
func judged(t *testing.T, dir string) map[[2]string]string {
	t.Helper()
	f, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	found := map[[2]string]string{}
	for _, r := range f.predicted().Rows {
		found[[2]string{r[0], r[1]}] = r[len(r)-1]
		t.Log(r)
	}
	return found
}

func count(results map[[2]string]string, figure, result string) (n int) {
	for k, r := range results {
		if r == result && (figure == "" || k[1] == figure) {
			n++
		}
	}
	return n
}

// Runs that are as the simulation has them are where it predicts them. With painting that took twice as
// long when it was calibrated they are not.
func TestPredictionsHold(t *testing.T) {
	calibrated := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	predicted := calibrated.Add(48 * time.Hour)
	calibrates := func(v measurement.Variant) bool { return v.Calibrates() }
	others := func(v measurement.Variant) bool { return !v.Calibrates() }
	usual := predictiontest.World{Slowness: 1, Spread: 0.02}
	for name, c := range map[string]struct {
		calibrating predictiontest.World
		holds       func(t *testing.T, all map[[2]string]string)
	}{
		"as they are": {usual, func(t *testing.T, all map[[2]string]string) {
			t.Helper()
			if n := count(all, "", "holds"); n < len(all)*9/10 {
				t.Errorf("%d of %d figures hold", n, len(all))
			}
		}},
		"calibrated with slow painting": {predictiontest.World{Slowness: 2, Spread: 0.02}, func(t *testing.T, all map[[2]string]string) {
			t.Helper()
			for _, figure := range []string{prediction.P50, prediction.Busy} {
				if n := count(all, figure, "holds"); n > 0 {
					t.Errorf("%s: %d hold", figure, n)
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, p := t.TempDir(), predictiontest.Plan()
			c.calibrating.Add(t, dir, p, calibrated, calibrates)
			file, left, err := prediction.Make(dir, "0123abc", predicted, nil)
			if err != nil || len(left) > 0 {
				t.Fatal(left, err)
			}
			if want := 4 * 13; len(file.Predictions) != want {
				t.Errorf("%d figures are predicted, want %d", len(file.Predictions), want)
			}
			usual.Add(t, dir, p, predicted, others)
			all := judged(t, dir)
			if len(all) != len(file.Predictions) {
				t.Errorf("the report has %d of %d predictions", len(all), len(file.Predictions))
			}
			c.holds(t, all)
		})
	}
}

// Predictions are held to the runs that they predict, misses included.
func TestPredictions(t *testing.T) {
	v := measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1}
	dir := synthetic(t, measurement.Plan{Repetitions: 10, Seed: 1, Variants: []measurement.Variant{v}})
	file := prediction.File{Commit: "0123abc", Made: time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC), Predictions: []prediction.Prediction{
		{Variant: v.Name(), Figure: "p50", Value: 0.12}, {Variant: v.Name(), Figure: "p95", Value: 1.2},
		{Variant: v.Name(), Figure: "cold starts", Value: 1}, {Variant: v.Name(), Figure: "busy", Value: 3.4}, {Variant: "daemon-onnx-1px", Figure: "p50", Value: 1},
	}}
	predict := func() {
		b, err := json.Marshal(file)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "predictions.json"), b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	predict()
	d, err := build(dir, quickly)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(d.Sections, func(s Section) bool { return s.ID == "validation" })
	tables := d.Sections[i].Tables
	var got []string
	for _, r := range tables[len(tables)-1].Rows {
		got = append(got, r[len(r)-1])
	}
	if want := []string{"holds", "misses", "holds", "holds", "no runs"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	principle := func(want string) {
		t.Helper()
		if _, markdown, _ := forms(t, dir, quickly); !strings.Contains(markdown, "Predictions made before runs: "+want+".") {
			t.Errorf("the principle of statistical evaluation is not %q", want)
		}
	}
	principle("Met")
	if got := tables[len(tables)-1].Rows[0][6]; got != "1h1m0s" {
		t.Errorf("they were made %s before the first run, want 1h1m0s", got)
	}
	for _, r := range slices.Concat(tables[0].Rows, tables[1].Rows) {
		if r[len(r)-1] != "holds" {
			t.Errorf("the model misses theory, or SimFaaS: %q", r)
		}
	}

	file.Made = time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC) // when the first run began
	predict()
	if d, err = build(dir, quickly); err != nil {
		t.Fatal(err)
	}
	tables = d.Sections[i].Tables
	for _, r := range tables[len(tables)-1].Rows[:4] {
		if r[7] != "void: made after a run" {
			t.Errorf("made with the first run: %q", r)
		}
	}
	principle("Unmet")
}

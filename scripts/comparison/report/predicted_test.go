package report

import (
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
			file, left, err := prediction.Make(dir, "0123abc", predicted)
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

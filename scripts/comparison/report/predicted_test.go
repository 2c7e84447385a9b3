package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
	"github.com/atelier-go/atelier/scripts/comparison/prediction/predictiontest"
)

// judged returns the results of the predictions in a folder's report, by variant and figure.
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

// Predictions hold for runs with the times that the simulation expects. They miss if painting took
// twice as long during calibration.
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
			for _, figure := range []string{prediction.P50, prediction.Busy} { // it paints more slowly than a worker alone
				if got := all[[2]string{"Python server, TensorFlow, at random, 2.5 jobs/s", figureName(figure)}]; got != "holds" {
					t.Errorf("%s of the Python server: %s", figure, got)
				}
			}
		}},
		"calibrated with slow painting": {predictiontest.World{Slowness: 2, Spread: 0.02}, func(t *testing.T, all map[[2]string]string) {
			t.Helper()
			for _, figure := range []string{prediction.P50, prediction.Busy} {
				if n := count(all, figureName(figure), "holds"); n > 0 {
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
			if want := 4*13 - 7; len(file.Predictions) != want { // no cold starts for systems without them
				t.Errorf("%d figures are predicted, want %d", len(file.Predictions), want)
			}
			usual.Add(t, dir, p, predicted, others)
			all := judged(t, dir)
			if len(all) != len(file.Predictions) {
				t.Errorf("the report has %d of %d predictions", len(all), len(file.Predictions))
			}
			c.holds(t, all)
			checkDrift(t, dir, c.calibrating)
		})
	}
}

// checkDrift checks that the report shows by how much the processor time of a picture differed between
// the calibrating and the predicted runs of daemons, which have no cold starts under load.
func checkDrift(t *testing.T, dir string, calibrating predictiontest.World) {
	t.Helper()
	f, err := read(dir)
	if err != nil {
		t.Fatal(err)
	}
	daemons := 0
	for _, row := range f.drift().Rows {
		t.Log(row)
		if !strings.HasPrefix(row[0], "server and daemon") {
			continue
		}
		daemons++
		ratio, err := strconv.ParseFloat(strings.TrimSuffix(row[len(row)-1], "%"), 64)
		if err != nil || (ratio < 85) != (calibrating.Slowness > 1) || ratio > 130 {
			t.Errorf("%s: measured / calibrating is %s, and calibrating pictures took %g times as long: %v", row[0], row[len(row)-1], calibrating.Slowness, err)
		}
	}
	if daemons == 0 {
		t.Error("the table has no daemon")
	}
}

// calibrating is a variant from whose runs predictions are made, and predicted a variant for which
// they are made.
var (
	calibrating = measurement.Variant{System: measurement.Service, Engine: measurement.ONNX, Size: 512, Jobs: 6, Threads: 1}
	predicted   = measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1}
)

// predict writes the predictions of a synthetic folder, made from its calibrating runs, and names
// them in the other runs.
func predict(t *testing.T, dir string, file prediction.File) {
	t.Helper()
	runs, err := measurement.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		if !r.Header.Variant.Calibrates() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, "runs", r.FileName()))
		if err != nil {
			t.Fatal(err)
		}
		file.Calibration = append(file.Calibration, prediction.Source{Run: r.FileName(), SHA256: digest(b)})
	}
	b, err := json.Marshal(file)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "predictions.json"), b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range runs {
		if !r.Header.Variant.Calibrates() {
			r.Header.Predictions = digest(b)
			add(t, dir, r)
		}
	}
}

// validated returns the table of predictions from a folder's report.
func validated(t *testing.T, dir string) Table {
	t.Helper()
	d, err := build(dir, quickly)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(d.Sections, func(s Section) bool { return s.ID == "validation" })
	tables := d.Sections[i].Tables
	for _, r := range slices.Concat(tables[0].Rows, tables[1].Rows) {
		if r[len(r)-1] != "holds" {
			t.Errorf("the model misses theory, or SimFaaS: %q", r)
		}
	}
	return tables[2]
}

// Predictions are compared with the runs that they predict. Misses and variants without a
// prediction are listed too.
func TestPredictions(t *testing.T) {
	without := predicted
	without.Rate = 2
	dir := synthetic(t, measurement.Plan{Repetitions: 10, Seed: 1, Variants: []measurement.Variant{predicted, calibrating, without}})
	name := predicted.Name()
	file := prediction.File{Commit: "0123abc", Made: time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC), Predictions: []prediction.Prediction{
		{Variant: name, Figure: "p50", Value: 0.12, Calibrating: 10}, {Variant: name, Figure: "p95", Value: 1.2, Calibrating: 10},
		{Variant: name, Figure: "cold starts", Value: 1}, {Variant: name, Figure: "busy", Value: 3.06, Calibrating: 10}, {Variant: "daemon-onnx-1px", Figure: "p50", Value: 1},
	}, Unpredicted: []prediction.Unpredicted{{Variant: without.Name(), Reason: "there are no runs of it"}}}
	predict(t, dir, file)
	table := validated(t, dir)
	column := func(name string) (cells []string) {
		i := slices.Index(table.Columns, name)
		for _, r := range table.Rows {
			cells = append(cells, r[i])
		}
		return cells
	}
	for name, want := range map[string][]string{
		"Result":          {"holds", "misses, too high", "holds", "misses, too low", "no runs", "not predicted: there are no runs of it"},
		"System and load": {variantTitle(predicted), variantTitle(predicted), variantTitle(predicted), variantTitle(predicted), "daemon-onnx-1px", variantTitle(without)},
		"Figure":          {"p50", "p95", "cold starts", "processor time of the system", "p50", none},
		"Predicted":       {seconds(0.12), seconds(1.2), "1.00" + unit("starts"), seconds(3.06), seconds(1), none},
		"Runs":            {"10", "10", "10", "10", "0", "10"},
		"Time from the prediction to the first run": {"1h1m0s", "1h1m0s", "1h1m0s", "1h1m0s", none, none},
	} {
		if got := column(name); !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
	// Of one cold start and 3.4 processor seconds, all alike.
	if got := column("Predicted / measured")[2:4]; !slices.Equal(got, []string{"100%", "90.0%"}) {
		t.Errorf("predicted over measured: got %q", got)
	}
	statisticsPrinciple(t, dir, "Met by 4 of 5; the variants of the others do not have ten runs yet")
}

// statisticsPrinciple checks whether the report states that predictions were made before runs.
func statisticsPrinciple(t *testing.T, dir, want string) {
	t.Helper()
	if _, markdown, _ := formats(t, dir, quickly); !strings.Contains(markdown, "Predictions made before runs: "+want+".") {
		t.Errorf("the principle of statistical evaluation is not %q", want)
	}
}

// A prediction is void if its file may have been made or changed after a run, even a void run or
// one on another processor, or if a run that it was made from is missing.
func TestVoidPredictions(t *testing.T) {
	made := time.Date(2025, 12, 31, 23, 0, 0, 0, time.UTC)
	before := made.Add(-time.Minute)
	further := func(t *testing.T, dir string, change func(*measurement.Run)) {
		t.Helper()
		runs, err := measurement.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		r := runs[slices.IndexFunc(runs, func(r *measurement.Run) bool { return !r.Header.Variant.Calibrates() })]
		r.Header.Repetition = 11
		change(r)
		add(t, dir, r)
	}
	alone := func(t *testing.T, dir string) string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "runs", "service-*"))
		if err != nil || len(files) != 10 {
			t.Fatal(files, err)
		}
		return files[0]
	}
	const (
		order      = "void: it was not made before its variant's first run"
		unnamed    = "void: only 10 of its variant's 11 runs name this predictions.json by its SHA-256"
		calibrates = "void: only 9 of the 10 runs that it was made from are unchanged: service-onnx-512px-1threads.001.20260101T000200.000000.jsonl is missing or was changed"
	)
	for name, c := range map[string]struct {
		made   time.Time
		change func(t *testing.T, dir string)
		want   string
	}{
		"made with the first run": {time.Date(2026, 1, 1, 0, 1, 0, 0, time.UTC), func(*testing.T, string) {}, order},
		"void run before": {made, func(t *testing.T, dir string) {
			t.Helper()
			further(t, dir, func(r *measurement.Run) { r.Header.Began, r.Footer.Void = before, "the load generator was late" })
		}, order},
		"run of another processor before": {made, func(t *testing.T, dir string) {
			t.Helper()
			further(t, dir, func(r *measurement.Run) { r.Header.Began, r.Header.Machine.Processor = before, "Another processor" })
		}, order},
		"run without predictions": {made, func(t *testing.T, dir string) {
			t.Helper()
			further(t, dir, func(r *measurement.Run) { r.Header.Predictions = "" })
		}, unnamed},
		"void run with other predictions": {made, func(t *testing.T, dir string) {
			t.Helper()
			further(t, dir, func(r *measurement.Run) { r.Header.Predictions, r.Footer.Void = "0123", "the load generator was late" })
		}, unnamed},
		"void run without predictions before": {made, func(t *testing.T, dir string) {
			t.Helper()
			further(t, dir, func(r *measurement.Run) {
				r.Header.Began, r.Header.Predictions, r.Footer.Void = before, "", "the load generator was late"
			})
		}, unnamed + "; " + strings.TrimPrefix(order, voidPrefix)},
		"calibrating run removed": {made, func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Remove(alone(t, dir)); err != nil {
				t.Fatal(err)
			}
		}, calibrates},
		"calibrating run changed": {made, func(t *testing.T, dir string) {
			t.Helper()
			path := alone(t, dir)
			b, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, bytes.Replace(b, []byte(`"command":"synthetic"`), []byte(`"command":"other"`), 1), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}, calibrates},
		"nothing": {made, func(*testing.T, string) {}, "misses, too high"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := synthetic(t, measurement.Plan{Repetitions: 10, Seed: 1, Variants: []measurement.Variant{predicted, calibrating}})
			predict(t, dir, prediction.File{Made: c.made, Predictions: []prediction.Prediction{{Variant: predicted.Name(), Figure: "p95", Value: 1.2, Calibrating: 10}}})
			c.change(t, dir)
			for key, got := range judged(t, dir) {
				if got != c.want {
					t.Errorf("%s: got %q, want %q", key, got, c.want)
				}
			}
			if name == "void run before" {
				statisticsPrinciple(t, dir, "Unmet, because 1 of 1 are void")
			}
		})
	}
}

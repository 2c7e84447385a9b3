package prediction_test

import (
	"bytes"
	"encoding/json"
	"maps"
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

var (
	calibrated = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now        = time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	usual      = predictiontest.World{Slowness: 1, Spread: 0.02}
)

func calibrates(v measurement.Variant) bool { return v.Calibrates() }
func others(v measurement.Variant) bool     { return !v.Calibrates() }

// The error names the missing runs and the command that makes them.
func TestMissingCalibration(t *testing.T) {
	dir, p := t.TempDir(), predictiontest.Plan()
	p.Variants = slices.DeleteFunc(p.Variants, func(v measurement.Variant) bool {
		return v.Engine != measurement.ONNX || v.System != measurement.Daemon && v.System != measurement.Service
	})
	usual.Add(t, dir, p, calibrated, func(measurement.Variant) bool { return false })
	_, _, err := prediction.Make(dir, "0123abc", now, nil)
	const want = "nothing can be predicted: daemon-onnx-512px-poisson-2_5, daemon-onnx-512px-poisson-4, daemon-onnx-512px-bursts-2_5: " +
		"there are no runs of service-onnx-512px-1threads and of daemon-onnx-512px-steady-*: scripts/compare --calibrate makes those that are in the plan"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "predictions.json")); err == nil {
		t.Error("predictions of nothing were written")
	}
	usual.Add(t, dir, p, calibrated, func(v measurement.Variant) bool { return v.System == measurement.Service })
	if _, _, err = prediction.Make(dir, "0123abc", now, nil); err == nil || !strings.Contains(err.Error(), "there are no runs of daemon-onnx-512px-steady-*:") {
		t.Errorf("got %v", err)
	}
	if _, _, err = prediction.Make(t.TempDir(), "0123abc", now, nil); err == nil || !strings.Contains(err.Error(), "is not an output folder of scripts/compare") {
		t.Errorf("of an empty folder: %v", err)
	}
}

// Until the predicted runs are made, predictions can be made again with the same result; after that
// they are not replaced.
func TestPredictionsAreNotReplacedAfterRuns(t *testing.T) {
	dir, p := t.TempDir(), predictiontest.Plan()
	usual.Add(t, dir, p, calibrated, calibrates)
	path := filepath.Join(dir, "predictions.json")
	predict := func() (*prediction.File, error) {
		f, _, err := prediction.Make(dir, "0123abc", now, nil)
		return f, err
	}
	if _, err := predict(); err != nil {
		t.Fatal(err)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := predict()
	again, rerr := os.ReadFile(path)
	if err != nil || rerr != nil || !bytes.Equal(first, again) {
		t.Errorf("a second call made others: %v, %v", err, rerr)
	}
	var written prediction.File
	if err := json.Unmarshal(first, &written); err != nil || written.Commit != "0123abc" || !written.Made.Equal(now) || written.Seed != p.Seed {
		t.Errorf("got %+v, %v", written, err)
	}
	// Ten runs each: two workers alone with one thread, one with two, and nine steady systems.
	if n := len(file.Calibration); n != 10*(3+9) || len(file.Calibration[0].SHA256) != 64 || !strings.HasSuffix(file.Calibration[0].Run, ".jsonl") {
		t.Errorf("predicted from %d runs, the first %+v", n, file.Calibration[0])
	}
	one := p.Variants[slices.IndexFunc(p.Variants, others)]
	usual.Add(t, dir, p, now, func(v measurement.Variant) bool { return v == one })
	const want = "predictions.json is not replaced, because predicted runs of daemon-onnx-512px-poisson-2_5 exist. Predict and measure into another folder"
	if _, err := predict(); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(first, after) {
		t.Errorf("the predictions were changed, %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if file, err = predict(); err != nil {
		t.Fatal(err)
	}
	unpredicted(t, file, map[string]string{one.Name(): "runs existed already"})
}

// unpredicted checks which variants have no prediction, and why.
func unpredicted(t *testing.T, file *prediction.File, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, u := range file.Unpredicted {
		got[u.Variant] = u.Reason
	}
	if !maps.Equal(got, want) {
		t.Errorf("without a prediction are %q, want %q", got, want)
	}
	for _, p := range file.Predictions {
		if want[p.Variant] != "" {
			t.Errorf("%s is predicted", p.Variant)
		}
	}
}

// Void runs and runs on other processors prevent predictions too, because their files have figures.
func TestVoidRunsPreventPredictions(t *testing.T) {
	for name, change := range map[string]func(*measurement.Run){
		"void":            func(r *measurement.Run) { r.Footer.Void = "51% of the processors were in use" },
		"other processor": func(r *measurement.Run) { r.Header.Machine.Processor = "Another processor" },
	} {
		t.Run(name, func(t *testing.T) {
			dir, p := t.TempDir(), predictiontest.Plan()
			p.Repetitions = 2
			one := p.Variants[slices.IndexFunc(p.Variants, others)]
			usual.Add(t, dir, p, calibrated, func(v measurement.Variant) bool { return calibrates(v) || v == one })
			folder, err := measurement.Reopen(dir)
			if err != nil {
				t.Fatal(err)
			}
			runs, err := folder.Runs()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range runs {
				if r.Header.Variant != one {
					continue
				}
				change(r)
				if err := folder.Add(r); err != nil {
					t.Fatal(err)
				}
			}
			folder.Close()
			file, _, err := prediction.Make(dir, "0123abc", now, nil)
			if err != nil {
				t.Fatal(err)
			}
			unpredicted(t, file, map[string]string{one.Name(): "runs existed already"})
		})
	}
}

// Variants that can't be predicted are in the file, with the reason.
func TestUnpredictedVariantsHaveReasons(t *testing.T) {
	dir, p := t.TempDir(), predictiontest.Plan()
	p.Repetitions = 2
	recorded := p.Variants[slices.IndexFunc(p.Variants, others)]
	recorded.Pattern, recorded.Trace = measurement.Recorded, "0123abcd"
	p.Variants = append(p.Variants, recorded)
	usual.Add(t, dir, p, calibrated, func(v measurement.Variant) bool {
		return calibrates(v) && v.System != measurement.Flask
	})
	if _, _, err := prediction.Make(dir, "0123abc", now, nil); err != nil {
		t.Fatal(err)
	}
	file, _, err := prediction.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	unpredicted(t, file, map[string]string{
		recorded.Name():                      "its arrivals are only in the file with the SHA-256 0123abcd: pass it with --trace",
		"flask-tensorflow-512px-poisson-2_5": "there are no runs of flask-tensorflow-512px-steady-*: scripts/compare --calibrate makes those that are in the plan",
	})
	for _, p := range file.Predictions {
		if p.Calibrating != 2 {
			t.Errorf("%s is from %d calibrating runs, want 2", p.Variant, p.Calibrating)
		}
		// A daemon's environments exist before the first job, so it has no cold starts to predict.
		if p.Figure == prediction.ColdStarts && strings.HasPrefix(p.Variant, measurement.Daemon) {
			t.Errorf("cold starts of %s are predicted", p.Variant)
		}
	}
}

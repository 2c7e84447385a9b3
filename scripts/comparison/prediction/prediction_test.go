package prediction_test

import (
	"bytes"
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

var (
	calibrated = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	now        = time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC)
	usual      = predictiontest.World{Slowness: 1, Spread: 0.02}
)

func calibrates(v measurement.Variant) bool { return v.Calibrates() }
func others(v measurement.Variant) bool     { return !v.Calibrates() }

// The error names the runs that are missing, and the command that makes them.
func TestMissingCalibration(t *testing.T) {
	dir, p := t.TempDir(), predictiontest.Plan()
	p.Variants = slices.DeleteFunc(p.Variants, func(v measurement.Variant) bool {
		return v.Engine != measurement.ONNX || v.System != measurement.Daemon && v.System != measurement.Service
	})
	usual.Add(t, dir, p, calibrated, func(measurement.Variant) bool { return false })
	_, _, err := prediction.Make(dir, "0123abc", now, nil)
	const want = "nothing can be predicted yet: daemon-onnx-512px-poisson-2_5, daemon-onnx-512px-poisson-4, daemon-onnx-512px-bursts-2_5: " +
		"there are no runs of service-onnx-512px-1threads and of daemon-onnx-512px-steady-*: scripts/compare --calibrate makes them, as far as the plan has them"
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
	if _, _, err = prediction.Make(t.TempDir(), "0123abc", now, nil); err == nil || !strings.Contains(err.Error(), "is no output folder of scripts/compare") {
		t.Errorf("of an empty folder: %v", err)
	}
}

// Predictions are made before their runs: until then they can be made again, with the same result, and
// from then on they stay.
func TestPredictedOnce(t *testing.T) {
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
	// Ten runs each of two workers alone with one thread, one with two, and nine steady systems.
	if n := len(file.Calibration); n != 10*(3+9) || len(file.Calibration[0].SHA256) != 64 || !strings.HasSuffix(file.Calibration[0].Run, ".jsonl") {
		t.Errorf("predicted from %d runs, the first %+v", n, file.Calibration[0])
	}
	one := p.Variants[slices.IndexFunc(p.Variants, others)]
	usual.Add(t, dir, p, now, func(v measurement.Variant) bool { return v == one })
	const want = "predictions.json stays as it is: runs that it predicts have been made, of daemon-onnx-512px-poisson-2_5. Predict and measure into another folder"
	if _, err := predict(); err == nil || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("got %v", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(first, after) {
		t.Errorf("they have been changed, %v", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if file, err = predict(); err != nil || slices.ContainsFunc(file.Predictions, func(p prediction.Prediction) bool { return p.Variant == one.Name() }) {
		t.Errorf("a variant with runs was predicted, or: %v", err)
	}
}

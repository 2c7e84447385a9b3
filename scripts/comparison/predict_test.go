package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction/predictiontest"
)

// The command predicts what it can, prints what is missing for the others, and does not replace
// predictions that have runs.
func TestPredict(t *testing.T) {
	dir, plan, world := t.TempDir(), predictiontest.Plan(), predictiontest.World{Slowness: 1, Spread: 0.02}
	plan.Repetitions = 2
	add := func(chosen func(measurement.Variant) bool) {
		world.Add(t, dir, plan, time.Now(), chosen)
	}
	add(func(v measurement.Variant) bool { return v.Calibrates() && v.System != measurement.Flask })
	var out bytes.Buffer
	if err := run(t.Context(), []string{"predict", dir}, os.Getenv, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	const want = "Not predicted: flask-tensorflow-512px-poisson-2_5: there are no runs of flask-tensorflow-512px-steady-*: " +
		"scripts/compare --calibrate makes those that are in the plan.\n" +
		"42 figures were predicted from 20 runs, in "
	if got := out.String(); !strings.HasPrefix(got, want) {
		t.Errorf("it wrote %q, want %q", got, want)
	}
	if _, err := os.Stat(filepath.Join(dir, "predictions.json")); err != nil {
		t.Error(err)
	}
	add(func(v measurement.Variant) bool {
		return v.System == measurement.Daemon && v.Pattern == measurement.Bursts
	})
	if err := run(t.Context(), []string{"predict", dir}, os.Getenv, &out, io.Discard); err == nil || !strings.Contains(err.Error(), "is not replaced") {
		t.Errorf("got %v", err)
	}
}

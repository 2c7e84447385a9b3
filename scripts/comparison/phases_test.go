package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction/predictiontest"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// calibrated makes an output folder with the calibrating runs of a whole measurement on this
// machine, except those of the variants to be left out.
func calibrated(t *testing.T, leftOut string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	plan := measurement.Full()
	plan.Seed = 20
	predictiontest.World{Slowness: 1, Spread: 0.02}.Add(t, dir, plan, time.Now().Add(-24*time.Hour), func(v measurement.Variant) bool {
		return v.Calibrates() && v.Name() != leftOut
	})
	folder, err := measurement.Reopen(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	runs, err := folder.Runs()
	if err != nil {
		t.Fatal(err)
	}
	here := machine.Describe(t.Context(), dir, dir).Processor
	for _, r := range runs {
		r.Header.Machine.Processor = here
		if err := folder.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// checkout makes a git repository with an empty commit.
func checkout(t *testing.T) (root string, git func(args ...string)) {
	t.Helper()
	root = t.TempDir()
	git = func(args ...string) {
		t.Helper()
		args = append([]string{"-C", root, "-c", "user.name=A", "-c", "user.email=a@example.org"}, args...)
		if out, err := exec.Command("git", args...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	git("commit", "-q", "--allow-empty", "-m", "Begin")
	return root, git
}

// A whole measurement predicts as soon as its calibrating runs are complete, prints what to do next,
// and makes no predicted run before exactly these predictions are committed.
func TestPredictionsAreCommittedBeforeTheirRuns(t *testing.T) {
	dir := calibrated(t, "")
	root, git := checkout(t)
	var stdout bytes.Buffer
	progress := io.Discard
	measure := func(ctx context.Context) error {
		stdout.Reset()
		return run(ctx, []string{"--out", dir, "--root", root, "--scratch", t.TempDir()}, os.Getenv, &stdout, progress)
	}
	if err := measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	made, committed := filepath.Join(dir, "predictions.json"), filepath.Join(root, "scripts", "comparison", "results", "predictions.json")
	next := "\n  cp " + made + " " + committed +
		"\n  git -C " + root + " add scripts/comparison/results/predictions.json" +
		"\n  git -C " + root + " commit -m \"Predict the runs of the comparison\"" +
		"\n  scripts/compare --out " + dir + " --root " + root
	if got := stdout.String(); !strings.Contains(got, "0 runs were made") || !strings.Contains(got, " figures were predicted from ") || !strings.Contains(got, next) || strings.Contains(got, "missing runs") {
		t.Errorf("printed %s\nwant the commands %s", got, next)
	}

	refused := func(when string) {
		t.Helper()
		if err := measure(t.Context()); err == nil || !strings.Contains(err.Error(), "has predictions that are not committed in this checkout") || !strings.Contains(err.Error(), next) {
			t.Errorf("%s: got %v", when, err)
		}
	}
	refused("without a commit")
	b, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(committed), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(committed, append(b, '\n'), 0o600); err != nil {
		t.Fatal(err)
	}
	git("add", ".")
	git("commit", "-q", "-m", "Others")
	refused("with other predictions committed")
	if err := os.WriteFile(committed, b, 0o600); err != nil {
		t.Fatal(err)
	}
	refused("with uncommitted predictions")
	git("commit", "-q", "-a", "-m", "Predict")

	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	progress = writer(func(b []byte) {
		if bytes.Contains(b, []byte("run 1 of 80")) {
			stop()
		}
	})
	if err := measure(ctx); err == nil || !strings.Contains(err.Error(), "0 runs were made and are kept, 80 are missing") {
		t.Errorf("with committed predictions: got %v", err)
	}
}

// Nothing is predicted while calibrating runs are missing.
func TestCalibratingRunsAreCompletedFirst(t *testing.T) {
	dir := calibrated(t, "daemon-onnx-512px-steady-5")
	ctx, stop := context.WithCancel(t.Context())
	stop()
	err := run(ctx, []string{"--out", dir, "--root", t.TempDir(), "--scratch", t.TempDir()}, os.Getenv, &bytes.Buffer{}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "5 are missing") {
		t.Errorf("got %v, want only the calibrating runs to be missing", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "predictions.json")); err == nil {
		t.Error("predictions were made")
	}
}

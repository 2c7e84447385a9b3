package main_test

import (
	"bytes"
	"image/jpeg"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestDemoRepaintsPhotographsAndEnds(t *testing.T) {
	bin, dir := programs(t), t.TempDir()
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "devstack"), "--once", "--dir", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	results, err := filepath.Glob(filepath.Join(dir, "results", "*.jpg"))
	if err != nil || len(results) < 3 {
		t.Fatalf("results: %v, %v\n%s", results, err, out)
	}
	styles := map[string]bool{}
	for _, path := range results {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := jpeg.Decode(bytes.NewReader(b)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		_, name, _ := strings.Cut(strings.TrimSuffix(filepath.Base(path), ".jpg"), "-")
		styles[name] = true
	}
	if len(styles) < 3 {
		t.Errorf("only %v were used", styles)
	}
	for _, want := range []string{"queue ms", "decode ms", "stylize ms", "encode ms", "were repainted", "DataSync: ", "They are on S3 too"} {
		if !bytes.Contains(out, []byte(want)) {
			t.Errorf("the output lacks %q:\n%s", want, out)
		}
	}
	noTemporaryFiles(t, dir)
}

// The table distinguishes first pictures of a process from later ones.
func TestDemoOfFunctionsRepaintsTwiceAndEnds(t *testing.T) {
	bin, dir := programs(t), t.TempDir()
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "devstack"), "--once", "--mode", "lambda", "--dir", dir).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if n := bytes.Count(out, []byte("painted in")); n != 8 {
		t.Errorf("%d paintings:\n%s", n, out)
	}
	if !regexp.MustCompile(`cold \(first of a process\): \d+\.\d\d s; warm: \d+\.\d\d s \(medians of 2 and 4\)`).Match(out) {
		t.Errorf("the output does not compare cold and warm pictures:\n%s", out)
	}
	if !bytes.Contains(out, []byte("They are on S3 too")) {
		t.Errorf("nothing was copied to S3:\n%s", out)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "ministack")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	noTemporaryFiles(t, dir)
}

func TestDemoFailsWithoutModel(t *testing.T) {
	bin := programs(t)
	for _, mode := range []string{"server", "lambda"} {
		out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "devstack"), "--once", "--mode", mode, "--dir", t.TempDir(), "--model", t.TempDir()).CombinedOutput()
		if err == nil || !bytes.Contains(out, []byte("saved_model.pb")) {
			t.Errorf("--mode %s with a folder without a model: %v\n%s", mode, err, out)
		}
	}
}

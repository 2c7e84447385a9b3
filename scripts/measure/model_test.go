package main

import (
	"bytes"
	"context"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/measure/magenta/magentatest"
)

func TestMeasureRows(t *testing.T) {
	got, err := measureRows([]byte(measured))
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"L1", "0.068 (0.040..0.098)", "at most 0.055", "missed"},
		{"margin", "0.90 of the teacher's 0.557", "0.85 to 1.15", "met"},
		{"cosine", "0.700 (0.600..0.800)", "", ""},
	}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %q, want %q", got, want)
	}
	for _, bad := range []string{"", "{}"} {
		if _, err := measureRows([]byte(bad)); err == nil {
			t.Errorf("got no error from %q", bad)
		}
	}
}

// Without the training folder the network is compared with its teacher, except for the quality.
func TestModelWithTeacherOnly(t *testing.T) {
	t.Setenv("ATELIER_TRAINING", "")
	var stdout bytes.Buffer
	args := append(quick(t, "model"), "--teacher", magentatest.Teacher(t, "../../model/atelier"))
	if err := run(t.Context(), args, os.Getenv, &stdout, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{"times as fast as the teacher": true, "memory of the teacher's": true, "L1": false} {
		if strings.Contains(stdout.String(), text) != want {
			t.Errorf("contains %q: got %v, want %v in\n%s", text, !want, want, stdout.String())
		}
	}
}

// If a benchmark lacks something, this is an error if it was named; otherwise the benchmark is left
// out.
func TestUnavailableBenchmarks(t *testing.T) {
	t.Setenv("ATELIER_TEACHER", "")
	t.Setenv("ATELIER_TRAINING", "")
	err := run(t.Context(), quick(t, "model"), os.Getenv, &bytes.Buffer{}, &bytes.Buffer{})
	if err == nil || !strings.Contains(err.Error(), "ATELIER_TRAINING") {
		t.Errorf("got %v, want an error with ATELIER_TRAINING", err)
	}

	all := benchmarks
	t.Cleanup(func() { benchmarks = all })
	benchmarks = []benchmark{
		{"poor", "Poor", "", func(context.Context, *session) (string, error) { return "", &unavailable{"a tool is missing"} }},
		{"rich", "Rich", "", func(context.Context, *session) (string, error) { return "text", nil }},
	}
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"--quick", "--dir", t.TempDir()}, os.Getenv, &stdout, &stderr); err != nil {
		t.Errorf("with all: %v", err)
	}
	if !strings.Contains(stderr.String(), "bench: poor: left out: a tool is missing\n") || !strings.Contains(stdout.String(), "## rich: Rich") {
		t.Errorf("with all the progress was\n%s\nand the output\n%s", stderr.String(), stdout.String())
	}
}

package main

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
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

// If a benchmark lacks something, this is an error if it was named; otherwise the benchmark is left
// out.
func TestUnavailableBenchmarks(t *testing.T) {
	t.Setenv("ATELIER_TEACHER", "")
	t.Setenv("ATELIER_TRAINING", "")
	for name, want := range map[string]string{"teacher": "ATELIER_TEACHER", "model": "ATELIER_TRAINING"} {
		err := run(t.Context(), quick(t, name), &bytes.Buffer{}, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %s", name, err, want)
		}
	}

	all := benchmarks
	t.Cleanup(func() { benchmarks = all })
	benchmarks = []benchmark{
		{"poor", "Poor", "", func(context.Context, *session) (string, error) { return "", &unavailable{"a horse is needed"} }},
		{"rich", "Rich", "", func(context.Context, *session) (string, error) { return "text", nil }},
	}
	var stdout, stderr bytes.Buffer
	if err := run(t.Context(), []string{"--quick", "--dir", t.TempDir()}, &stdout, &stderr); err != nil {
		t.Errorf("with all: %v", err)
	}
	if !strings.Contains(stderr.String(), "bench: poor: left out: a horse is needed\n") || !strings.Contains(stdout.String(), "## rich: Rich") {
		t.Errorf("with all the progress was\n%s\nand the output\n%s", stderr.String(), stdout.String())
	}
}

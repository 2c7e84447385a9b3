package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSectionsAreReplacedInPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.md")
	write := func(sections ...section) string {
		t.Helper()
		if err := writeInto(path, sections); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text, ok := strings.CutPrefix(string(b), reportHead)
		if !ok {
			t.Fatalf("got\n%s\nwant the head first", b)
		}
		return text
	}
	text := func(name, body string) section { return section{name, "## " + name + ": T\n\n" + body + "\n"} }
	for _, step := range []struct {
		write section
		want  string
	}{
		{text("memory", "a\n\n| b |"), "## memory: T\n\na\n\n| b |\n"},
		{text("decoder", "c"), "## decoder: T\n\nc\n\n## memory: T\n\na\n\n| b |\n"},
		{text("memory", "d"), "## decoder: T\n\nc\n\n## memory: T\n\nd\n"},
		{text("memory", "d"), "## decoder: T\n\nc\n\n## memory: T\n\nd\n"},
	} {
		if got := write(step.write); got != step.want {
			t.Errorf("after %s: got\n%s\nwant\n%s", step.write.name, got, step.want)
		}
	}
	if err := os.WriteFile(path, []byte("# Old\n\n## Something else\n\nx\n\n## decoder: T\n\ny\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, want := write(text("submissions", "z")), "## decoder: T\n\ny\n\n## submissions: T\n\nz\n"; got != want {
		t.Errorf("a section without a benchmark: got\n%s\nwant\n%s", got, want)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFigures(t *testing.T) {
	if got, want := spreadOf([]float64{3, 1, 2}).show("%.0f"), "2 (1..3)"; got != want {
		t.Errorf("a spread: got %s, want %s", got, want)
	}
	if got := spreadOf([]float64{4, 1, 2, 3}).median; got != 2.5 {
		t.Errorf("the median of four: got %g, want 2.5", got)
	}
	ratio := func(a, b float64) float64 { return a / b }
	if got := compare([]float64{1, 8, 9}, []float64{2, 2, 3}, ratio); got != (spread{0.5, 3, 4}) {
		t.Errorf("ratios of each round: got %+v", got)
	}
	var hundred []float64
	for i := range 100 {
		hundred = append(hundred, float64(i+1))
	}
	for p, want := range map[int]float64{50: 50, 90: 90, 99: 99, 100: 100} {
		if got := percentile(hundred, p); got != want {
			t.Errorf("p%d of 1 to 100: got %g, want %g", p, got, want)
		}
	}
	if got := percentile([]float64{7}, 50); got != 7 {
		t.Errorf("p50 of one: got %g", got)
	}
	for _, v := range [][]string{atLeast(0.9, 0.9), atMost(60, 60)} {
		if v[1] != "met" {
			t.Errorf("exactly the goal: %v", v)
		}
	}
	if got := atLeast(0.9, 0.89); got[0] != "at least 0.9" || got[1] != "missed" {
		t.Errorf("got %v", got)
	}
}

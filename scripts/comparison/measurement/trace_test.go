package measurement

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// readTrace reads a trace with the given text.
func readTrace(t *testing.T, text string) *Trace {
	t.Helper()
	trace, err := ReadTrace(traceFile(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

func traceFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trace.csv")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestReadTrace(t *testing.T) {
	for text, want := range map[string]string{
		"arrival_s\n5\n5\n": "all jobs of the trace arrive at the same time",
		"arrival_s\n2\n1\n": "line 3: arrival 1 is before 2",
		"":                  "the trace is empty",
	} {
		name := traceFile(t, text)
		if _, err := ReadTrace(name); err == nil || !strings.Contains(err.Error(), name+": ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", text, err)
		}
	}
	if _, err := ReadTrace(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file was read")
	}
	one, same, other := readTrace(t, "arrival_s\n0\n5\n"), readTrace(t, "arrival_s\n0\n5\n"), readTrace(t, "arrival_s\n0\n6\n")
	if one.SHA256 != same.SHA256 || one.SHA256 == other.SHA256 || one.Statistics.PerHour != 720 {
		t.Errorf("got %+v, %+v, %+v", one, same, other)
	}
}

// The file of a run reveals nothing of the trace: no arrival, no difference of two arrivals, and no
// order, not even through times in ids and messages.
func TestRecordedRunHasNoRows(t *testing.T) {
	const rows = 40
	random := rand.New(rand.NewPCG(3, 4))
	var text strings.Builder
	text.WriteString("arrival_s\n")
	recorded := make([]float64, rows)
	at := 1000.0
	for i := range recorded {
		recorded[i] = at
		fmt.Fprintf(&text, "%.3f\n", at)
		at += 100 + math.Round(random.Float64()*1e6)/1e3
	}
	trace := readTrace(t, text.String())
	v := Variant{System: Synchronous, Engine: ONNX, Size: 64, Jobs: rows - 1, Pattern: Recorded, Rate: float64(rows) / trace.period, Trace: trace.SHA256}
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var order []float64 // latencies in the order of measurement
	c := &Campaign{
		Machine: machine.Description{Processor: "A"}, Progress: io.Discard, Trace: trace,
		Measure: func(_ context.Context, v Variant, chance *rand.Rand) (*Run, error) {
			times, err := trace.arrivals(v, chance)
			if err != nil {
				return nil, err
			}
			run := &Run{Footer: Footer{Seconds: times[len(times)-1] + 1, Share: 0.123456}}
			for i, s := range times {
				order = append(order, 1+float64(i)/1000)
				run.Jobs = append(run.Jobs, Job{ID: began.Add(seconds(s)).Format(time.RFC3339Nano), Scheduled: s, Latency: order[i]})
			}
			run.Jobs[7].Failed = "502 Bad Gateway: at " + fmt.Sprint(times[7])
			return run, nil
		},
	}
	dir := t.TempDir()
	c.Folder = open(t, dir, Plan{Repetitions: 1, Seed: 1, Variants: []Variant{v}})
	if _, err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, runsFolder, "*.jsonl"))
	if err != nil || len(names) != 1 {
		t.Fatalf("got %v, %v", names, err)
	}
	written, err := os.ReadFile(names[0])
	if err != nil {
		t.Fatal(err)
	}
	numbers := numbersIn(t, written)
	for i, a := range recorded {
		for k := range i {
			for _, n := range append(slices.Clone(numbers), differences(numbers)...) {
				if row := a - recorded[k]; math.Abs(n-row) < 0.01 || math.Abs(n-a) < 0.01 {
					t.Fatalf("%g is in the file, and %g and %g are in the trace", n, recorded[k], a)
				}
			}
		}
	}
	runs, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var latencies []float64
	for _, j := range runs[0].Jobs {
		latencies = append(latencies, j.Latency)
	}
	if slices.Equal(latencies, order) {
		t.Error("the jobs are in the order in which they were sent")
	}
	if slices.Sort(latencies); !slices.Equal(latencies, order) {
		t.Errorf("the latencies are %v, want those that were measured", latencies)
	}
	h, f := runs[0].Header, runs[0].Footer
	if h.Trace == nil || h.Trace.SHA256 != trace.SHA256 || h.Trace.Statistics != trace.Statistics || f.Share != 0.12 || f.Seconds != rounded(f.Seconds) || !strings.HasSuffix(f.Void, "502 Bad Gateway") {
		t.Errorf("got %+v and %+v", h.Trace, f)
	}
}

// numbersIn returns all numbers of a run's file, and its times in seconds.
func numbersIn(t *testing.T, file []byte) (all []float64) {
	t.Helper()
	var visit func(v any)
	visit = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, of := range v {
				visit(of)
			}
		case float64:
			all = append(all, v)
		case string:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				all = append(all, float64(at.UnixNano())/1e9)
			}
		}
	}
	for line := range strings.Lines(string(file)) {
		var v any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatal(err)
		}
		visit(v)
	}
	return all
}

func differences(of []float64) (all []float64) {
	for i, a := range of {
		for _, b := range of[:i] {
			all = append(all, math.Abs(a-b))
		}
	}
	return all
}

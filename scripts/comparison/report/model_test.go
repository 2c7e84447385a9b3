package report

import (
	"math"
	"slices"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// A cold start's reads are those of the way in which files are read, where that was measured; their time is part
// of what a start adds.
func TestColdReads(t *testing.T) {
	f, err := read(synthetic(t, small(1)))
	if err != nil {
		t.Fatal(err)
	}
	groups := f.groups(f.processors()[0])
	for _, c := range []struct {
		engine string
		ahead  bool
		want   float64
	}{{measurement.TensorFlow, true, 300}, {measurement.TensorFlow, false, 900}, {measurement.ONNX, true, 0}} {
		if got := coldCalls(groups, c.engine, c.ahead).Reads; got != c.want {
			t.Errorf("%s, read ahead %v: got %v reads, want %v", c.engine, c.ahead, got, c.want)
		}
	}
	plain := slices.DeleteFunc(slices.Clone(groups), func(g group) bool { return g.variant.ReadAhead })
	if got := coldCalls(plain, measurement.TensorFlow, true).Reads; got != 900 {
		t.Errorf("got %v reads of the only kind that was measured, want 900", got)
	}
	for _, w := range workers(groups, 512, 3007) {
		without := w
		without.coldCalls.Reads = 0
		want := 0.0
		if w.function.variant.Engine == measurement.TensorFlow {
			want = 30.0 / 500
		}
		if got := w.start(nil) - without.start(nil); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: reading adds %v s to a start, want %v", w.function.variant.Engine, got, want)
		}
	}
}

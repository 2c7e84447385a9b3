package machine

import (
	"errors"
	"math"
	"testing"
)

func TestSteal(t *testing.T) {
	earlier, err := parseProcessors("cpu  100 0 50 800 10 0 5 35 90 0")
	if err != nil || earlier != (Processors{All: 1000, Idle: 810, Steal: 35}) {
		t.Fatalf("got %+v, %v", earlier, err)
	}
	later, err := parseProcessors("cpu  160 0 70 890 10 0 5 65 150 0")
	if err != nil {
		t.Fatal(err)
	}
	if got := later.StealSince(earlier); math.Abs(got-0.15) > 1e-12 {
		t.Errorf("got %v, want 30 ticks of 200", got)
	}
	if got := later.BusySince(earlier); math.Abs(got-0.4) > 1e-12 {
		t.Errorf("got %v, want 80 ticks of 200", got)
	}
	if got := earlier.BusySince(earlier); got != 0 {
		t.Errorf("busy for %v of no time", got)
	}
	if got := earlier.StealSince(earlier); got != 0 {
		t.Errorf("got %v of no time", got)
	}
	for _, line := range []string{"", "cpu0 1 2 3 4 5 6 7 8 9 10", "cpu 1 2 3", "cpu a b c d e f g h i j"} {
		if _, err := parseProcessors(line); !errors.Is(err, ErrNoCounters) {
			t.Errorf("%q: got %v", line, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	d := Describe(t.Context(), t.TempDir(), t.TempDir())
	if d.Processor == "" || d.Cores < 1 || d.UsableCores < 1 || d.System == "" || d.Go == "" || d.Commit != Unknown {
		t.Errorf("got %+v", d)
	}
}

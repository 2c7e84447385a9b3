package report

import (
	"math"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// The crossing of a resample is found however far it is from that of all runs: functions whose
// pictures take a twentieth of the time reach the level at about twenty times the duty. Outside of
// the examined duties it is infinite or zero.
func TestResampledCrossingsAreNotCutOff(t *testing.T) {
	w := alone(measurement.ONNX, 2, 0, 0.1, fewer())
	v, base := views[0], w.base(virginia(t), nil, nil)
	base.store = 0
	found, err := v.compare(base).Crossings(claimed, v.scope, lowestDuty, highestDuty)
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	for factor, want := range map[float64]float64{1: found[0].Duty, 0.05: 20 * found[0].Duty, 20: found[0].Duty / 20, 1e-9: math.Inf(1), 1e6: 0} {
		s := base
		s.warm *= factor
		got, err := v.crossingNear(s, claimed, found[0])
		if err != nil {
			t.Fatal(err)
		}
		if got != want { // infinite
			nearly(t, "duty", got, want, 0.2)
		}
	}
	if got := between(0, math.Inf(1)); got != "<0.01% to >100%" {
		t.Errorf("got %q", got)
	}
}

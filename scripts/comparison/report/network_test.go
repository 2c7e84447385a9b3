package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// Runs of Magenta's network are shown as such, and bills are not worked out from them.
func TestMagentasNetwork(t *testing.T) {
	plan := measurement.Plan{Repetitions: 2, Seed: 1}
	for _, network := range []string{measurement.Magenta, ""} {
		v := measurement.Variant{System: measurement.Service, Engine: measurement.TensorFlow, Network: network, Size: 512, Jobs: 6, Threads: 1}
		plan.Variants = append(plan.Variants, v)
		v.MemoryMB, v.PeriodMS, v.Threads = 3007, 20, 2
		plan.Variants = append(plan.Variants, v)
	}
	f, err := read(synthetic(t, plan))
	if err != nil {
		t.Fatal(err)
	}
	groups := f.groups(f.processors()[0])
	for _, w := range workers(groups, 512, 3007) {
		if w.function.variant.Network != "" || w.instance.variant.Network != "" {
			t.Errorf("bills are worked out from %s and %s", w.function.variant.Name(), w.instance.variant.Name())
		}
	}
	shown := 0
	for _, of := range []Section{serviceTimes(&f), coldStarts(&f)} {
		for _, table := range of.Tables {
			for _, row := range table.Rows {
				if slices.ContainsFunc(row, func(cell string) bool { return strings.Contains(cell, "Magenta") }) {
					shown++
				}
			}
		}
	}
	if shown != 6 { // two variants in three tables
		t.Errorf("Magenta's network is in %d rows, want 6", shown)
	}
}

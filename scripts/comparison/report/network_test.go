package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// Runs of Magenta's network are labelled, and bills are not computed from them.
func TestMagentaRunsAreLabelled(t *testing.T) {
	plan := measurement.Plan{Repetitions: 2, Seed: 1}
	for _, network := range []string{measurement.Magenta, ""} {
		v := measurement.Variant{System: measurement.Service, Engine: measurement.TensorFlow, Network: network, Size: 512, Jobs: 6, Threads: 1}
		plan.Variants = append(plan.Variants, v)
		v.MemoryMB, v.PeriodMS, v.Threads = 3007, 20, 2
		plan.Variants = append(plan.Variants, v)
	}
	server := measurement.Variant{System: measurement.Flask, Engine: measurement.TensorFlow, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1}
	plan.Variants = append(plan.Variants, server)
	server.Network = measurement.Magenta
	plan.Variants = append(plan.Variants, server)
	f, err := read(synthetic(t, plan))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range f.runs {
		if v := r.Header.Variant; v.Network == measurement.Magenta && v.MemoryMB > 0 {
			for i := range r.Jobs {
				r.Jobs[i].Billed = 0.3
			}
		}
	}
	groups := f.groups(f.processors()[0])
	for _, w := range workers(groups, 3007) {
		if w.function.variant.Network != "" || w.instance.variant.Network != "" {
			t.Errorf("bills are computed from %s and %s", w.function.variant.Name(), w.instance.variant.Name())
		}
	}
	checkNetworks(t, &f, groups)
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

// checkNetworks checks the original setting: both networks have the times of their own runs, and no
// rows without runs.
func checkNetworks(t *testing.T, f *folder, groups []group) {
	t.Helper()
	prices, err := table()
	if err != nil {
		t.Fatal(err)
	}
	s, err := original(f, groups, prices, least)
	if err != nil || len(s.Tables) != 1 || len(s.Tables[0].Rows) != 4 {
		t.Fatalf("got %+v, %v", s, err)
	}
	if r := s.Tables[0].Rows[2]; !strings.HasPrefix(r[0], "Magenta's, measured") || r[2] != "0.300" {
		t.Errorf("got %q, want the 0.300 s of Magenta's runs", r)
	}
	without := slices.DeleteFunc(slices.Clone(groups), func(g group) bool { return g.variant.System == measurement.Flask && g.variant.Network != "" })
	if s, err = original(f, without, prices, least); err != nil || len(s.Tables[0].Rows) != 2 || !strings.Contains(strings.Join(s.Tables[0].Notes, " "), "--teacher DIR") {
		t.Errorf("without Magenta's server: %+v, %v", s, err)
	}
}

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// A shortage is a planned variant that lacks valid runs on the processor model of the bills.
type shortage struct {
	variant measurement.Variant
	valid   int
	reason  string
}

// shortages returns the variants of the plan that lack runs. A variant whose intervals are as narrow
// as required needs no more.
func (f *folder) shortages() (all []shortage) {
	valid, enough := map[measurement.Variant]int{}, map[measurement.Variant]bool{}
	var runs []*measurement.Run
	for _, g := range f.valid() {
		valid[g.variant] = len(g.runs)
		runs = append(runs, g.runs...)
	}
	for _, l := range f.plan.Looks(runs) {
		enough[l.Variant] = l.Enough()
	}
	for _, v := range f.plan.Variants {
		if n := valid[v]; n < f.plan.Runs(v) && !enough[v] {
			all = append(all, shortage{v, n, cmp.Or(f.unavailable[v.Name()], "not made yet, or void")})
		}
	}
	return all
}

// incomplete describes which runs are missing and which parts of the report lack them; nil if none
// are missing.
func (f *folder) incomplete() []string {
	short := f.shortages()
	if len(short) == 0 {
		return nil
	}
	missing, alone, daemon := 0, 0, false
	var loads []string
	for _, s := range short {
		missing += f.plan.Runs(s.variant) - s.valid
		daemon = daemon || s.variant.System == measurement.Daemon
		switch {
		case s.variant.System == measurement.Service:
			alone++
		case !slices.Contains(loads, load(s.variant)):
			loads = append(loads, load(s.variant))
		}
	}
	all := []string{fmt.Sprintf("Incomplete: %d planned runs are missing, of %d of the %d variants. Figures of these variants have no intervals and may change. The section Raw data lists them.",
		missing, len(short), len(f.plan.Variants))}
	switch {
	case alone > 0:
		all = append(all, fmt.Sprintf("Bills and recommendations are not final, because they are computed from runs of workers alone, some of which are missing (variants: %d).", alone))
	case daemon:
		all = append(all, "Bills and recommendations may still change slightly. They use the times of workers alone, whose runs are complete, but what an instance sustains also depends on the daemon's runs, some of which are missing.")
	default:
		all = append(all, "Bills and recommendations are final: no missing run has an effect on them, except on the section on the original setting of the claim.")
	}
	if len(loads) > 0 {
		all = append(all, fmt.Sprintf("Latencies under load are not final for jobs %s.", strings.Join(loads, "; ")))
	}
	if f.predictions != nil {
		if n := f.predictionCounts(); n.waiting > 0 {
			all = append(all, fmt.Sprintf("Validation: %d of %d predictions cannot be judged yet, because their variants have fewer than ten runs.", n.waiting, n.all()))
		}
	}
	return all
}

// fewer describes to which variants the planned repetitions apply.
func (f *folder) fewer() string {
	n := 0
	for _, v := range f.plan.Variants {
		if f.plan.Runs(v) < enoughRuns {
			n++
		}
	}
	if n == 0 || f.plan.Repetitions < enoughRuns {
		return "for each variant"
	}
	return fmt.Sprintf("except for %d variants that are only in some of them and have fewer than ten runs", n)
}

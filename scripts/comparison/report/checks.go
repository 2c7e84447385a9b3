package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// enoughRuns is the smallest number of runs that have an interval.
const enoughRuns = 10

// valid returns the groups on the processor model with the most runs.
func (f *folder) valid() []group {
	if processors := f.processors(); len(processors) > 0 {
		return f.groups(processors[0])
	}
	return nil
}

// planned returns the groups of the plan's variants on the processor model with the most runs.
func (f *folder) planned() []group {
	return slices.DeleteFunc(f.valid(), func(g group) bool { return !slices.Contains(f.plan.Variants, g.variant) })
}

// repeated checks whether each planned variant has ten valid runs, in an order that differs between
// repetitions.
func (f *folder) repeated() string {
	enough := 0
	for _, g := range f.planned() {
		if len(g.runs) >= enoughRuns && !f.plan.Quick {
			enough++
		}
	}
	switch variants := len(f.plan.Variants); {
	case enough == 0:
		return "unmet: no variant has ten valid runs"
	case enough < variants:
		return fmt.Sprintf("partly: %d of %d variants have ten valid runs", enough, variants)
	case variants > 1 && !f.shuffled():
		return "partly: all variants have ten valid runs, but in the same order in each repetition"
	}
	return "met, within " + f.period() + ": drift over a longer time is not covered"
}

// shuffled returns whether the order of the variants differs between repetitions.
func (f *folder) shuffled() bool {
	positions := map[string]int{}
	for _, r := range f.runs {
		name := r.Header.Variant.Name()
		if at, ok := positions[name]; ok && at != r.Header.Position {
			return true
		}
		positions[name] = r.Header.Position
	}
	return false
}

// period returns the time from the beginning of the first run to that of the last.
func (f *folder) period() string {
	var first, last time.Time
	for _, r := range f.runs {
		if began := r.Header.Began; first.IsZero() || began.Before(first) {
			first = began
		}
		if r.Header.Began.After(last) {
			last = r.Header.Began
		}
	}
	if hours := last.Sub(first).Hours(); hours < 72 {
		return figure(hours) + unit("hours")
	}
	return figure(last.Sub(first).Hours()/24) + unit("days")
}

// covered counts in what the valid runs differ.
func (f *folder) covered() string {
	engines, sizes, memories, loads, systems := map[string]bool{}, map[int]bool{}, map[int]bool{}, map[string]bool{}, map[string]bool{}
	all := f.planned()
	for _, g := range all {
		v := g.variant
		engines[v.Engine], sizes[v.Size], memories[v.MemoryMB], systems[v.System] = true, true, true, true
		if v.Pattern != "" {
			loads[load(v)] = true
		}
	}
	return fmt.Sprintf("partly: %d of %d variants have valid runs, which differ in system (%d), engine (%d), size (%d), memory (%d) and load (%d), on %d processor model(s), none at AWS",
		len(all), len(f.plan.Variants), len(systems), len(engines), len(sizes), len(memories), len(loads), len(f.processors()))
}

// described checks whether all runs describe their machine and programs.
func (f *folder) described() string {
	described := func(s string) bool { return s != "" && s != machine.Unknown }
	var lacking []string
	for _, part := range []struct {
		name string
		has  func(measurement.Header) bool
	}{
		{"processor", func(h measurement.Header) bool { return described(h.Machine.Processor) && h.Machine.Cores > 0 }},
		{"stepping", func(h measurement.Header) bool { return described(h.Machine.Stepping) }},
		{"memory", func(h measurement.Header) bool { return h.Machine.MemoryBytes > 0 }},
		{"kernel", func(h measurement.Header) bool { return described(h.Machine.Kernel) }},
		{"system", func(h measurement.Header) bool { return described(h.Machine.System) }},
		{"version of Go", func(h measurement.Header) bool { return described(h.Machine.Go) }},
		{"file system", func(h measurement.Header) bool { return described(h.Machine.FileSystem) }},
		{"commit without changes", func(h measurement.Header) bool {
			return described(h.Machine.Commit) && !strings.Contains(h.Machine.Commit, "with changes")
		}},
		{"command", func(h measurement.Header) bool { return described(h.Command) }},
	} {
		n := 0
		for _, r := range f.runs {
			if !part.has(r.Header) {
				n++
			}
		}
		if n > 0 {
			lacking = append(lacking, fmt.Sprintf("%s (%d)", part.name, n))
		}
	}
	if len(lacking) > 0 {
		return fmt.Sprintf("partly: some of the %d runs do not record: %s", len(f.runs), strings.Join(lacking, ", "))
	}
	return "met"
}

// open describes what cannot be published.
func (f *folder) open() string {
	recorded := 0
	for _, r := range f.runs {
		if r.Header.Trace != nil {
			recorded++
		}
	}
	const unknown = "not checked: a report cannot show whether its folder is published"
	if recorded == 0 {
		return unknown + "; no run depends on unpublished data"
	}
	return fmt.Sprintf("%s; the arrivals of %d of %d runs are from a trace that may not be published", unknown, recorded, len(f.runs))
}

// probabilistic checks whether the percentiles of all variants under load are known from ten runs.
func (f *folder) probabilistic() string {
	loaded, known, short := 0, 0, 0
	for _, v := range f.plan.Variants {
		if v.System != measurement.Service {
			loaded++
		}
	}
	for _, g := range f.planned() {
		for _, r := range g.runs {
			if len(r.Jobs) < g.variant.Jobs {
				short++
			}
		}
		if g.variant.System != measurement.Service && !f.plan.Quick && min(len(g.percentiles(50, false)), len(g.percentiles(95, false))) >= enoughRuns {
			known++
		}
	}
	switch {
	case short > 0:
		return fmt.Sprintf("unmet: %d valid runs have fewer jobs than planned", short)
	case loaded == 0:
		return "not checked: the plan has no variant under load"
	case known == 0:
		return "unmet: no variant under load has percentiles of ten runs"
	case known < loaded:
		return fmt.Sprintf("partly: %d of %d variants under load have percentiles of ten runs", known, loaded)
	}
	return "met"
}

// evaluated checks which variants have intervals that are as narrow as required.
func (f *folder) evaluated() string {
	var runs []*measurement.Run
	for _, g := range f.valid() {
		runs = append(runs, g.runs...)
	}
	examined, narrow := 0, 0
	for _, l := range f.plan.Looks(runs) {
		if l.Runs > 0 && !f.plan.Quick {
			examined++
		}
		if l.Enough() {
			narrow++
		}
	}
	switch variants := len(f.plan.Variants); {
	case examined == 0:
		return "unmet: no variant has intervals"
	case examined < variants || narrow < variants:
		return fmt.Sprintf("partly: %d of %d variants have intervals, %d of them as narrow as required (%s for p50 and warm pictures, %s for p95 and first pictures)",
			examined, variants, narrow, exactPercent(statistics.GoalP50), exactPercent(statistics.GoalP95))
	}
	if strings.Contains(f.predictedBefore(), "Unmet") {
		return "partly: all variants have intervals as narrow as required, but predictions are unmet"
	}
	return "met"
}

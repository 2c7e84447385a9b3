package report

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

func handler(j measurement.Job) float64 { return j.Handler }
func billed(j measurement.Job) float64  { return j.Billed }
func used(j measurement.Job) float64    { return j.Used }

// inMemory is whether a variant is a worker alone whose files were in memory.
func inMemory(v measurement.Variant) bool {
	return v.System == measurement.Service && !v.Evicted && !v.NFS
}

// local is whether a variant is such a worker with this project's network.
func local(v measurement.Variant) bool { return inMemory(v) && v.Network == "" }

// engineAndNetwork is a variant's engine, and its network where that is another's.
func engineAndNetwork(v measurement.Variant) string {
	if v.Network == measurement.Magenta {
		return engineName(v.Engine) + ", Magenta's network"
	}
	return engineName(v.Engine)
}

// processorShare is what of the processors a variant may use, in words.
func processorShare(v measurement.Variant) string {
	if v.CPUs() == 0 {
		return "whole machine"
	}
	return fmt.Sprintf("%d MB, in periods of %d ms", v.MemoryMB, v.PeriodMS)
}

// ofProcessor is a table's title, with the processor model where there are several.
func (f *folder) ofProcessor(title, processor string) string {
	if len(f.processors()) == 1 {
		return title
	}
	return title + ", " + processor
}

// serviceTimes has how long one worker alone takes.
func serviceTimes(f *folder) Section {
	s := Section{ID: "service", Title: "Service times", Text: []string{
		"One worker alone, one picture after the other, engine and model in memory. The unit is the run: figures are geometric means of the runs' means of warm pictures, in parentheses the 95% interval by t on logarithms. " + intervals(f),
	}}
	for _, p := range f.processors() {
		times := Table{
			Title: f.ofProcessor("Warm and cold pictures, seconds", p), Left: 2, Basis: cost.Measured,
			Columns: []string{"Engine", "Processors", "Size, px", "Threads", "Runs", "Warm, in the handler", "Warm, billed", "Used / billed", "Start", "First picture", "Cold, billed"},
		}
		stages := Table{
			Title: f.ofProcessor("Stages of a warm picture, seconds", p), Left: 2, Basis: cost.Measured,
			Columns: []string{"Engine", "Processors", "Size, px", "Threads", "Read", "Decode", "Paint", "Encode", "Write", "Other"},
		}
		for _, g := range f.groups(p) {
			v := g.variant
			if !inMemory(v) {
				continue
			}
			head := []string{engineAndNetwork(v), processorShare(v), exact(float64(v.Size)), exact(float64(v.Threads))}
			warm := func(of func(measurement.Job) float64) float64 { return mean(g.means(false, of)) }
			cold := func(of func(measurement.Job) float64) string { return figure(center(g.means(true, of))) }
			ratio := none
			if b := warm(billed); b > 0 {
				ratio = figure(warm(used) / b)
			}
			times.Rows = append(times.Rows, append(append([]string{}, head...), exact(float64(len(g.runs))),
				interval(g.means(false, handler), statistics.GoalP50, f.plan.Quick), interval(g.means(false, billed), statistics.GoalP50, f.plan.Quick), ratio,
				cold(func(j measurement.Job) float64 { return j.Start }), cold(handler), cold(billed)))
			read, decode, paint, encode, write := warm(func(j measurement.Job) float64 { return j.Read }), warm(func(j measurement.Job) float64 { return j.Decode }),
				warm(func(j measurement.Job) float64 { return j.Paint }), warm(func(j measurement.Job) float64 { return j.Encode }), warm(func(j measurement.Job) float64 { return j.Write })
			stages.Rows = append(stages.Rows, append(head, figure(read), figure(decode), figure(paint), figure(encode), figure(write),
				figure(warm(handler)-read-decode-paint-encode-write)))
		}
		if len(times.Rows) > 0 {
			times.Notes = []string{"Billed by Lambda's rule: to the next millisecond, a cold picture with its process's start. Used is processor time, with two threads up to twice the time."}
			s.Tables = append(s.Tables, times, stages)
		}
	}
	if len(s.Tables) == 0 {
		s.Missing = "Nothing was measured of this: run scripts/compare --only 'service-*' --out DIR."
	}
	return s
}

// intervals says which figures have intervals.
func intervals(f *folder) string {
	if f.plan.Quick {
		return "A quick measurement has no intervals."
	}
	return "Only 10, 15 or 20 runs have an interval, since results are looked at then; other figures are without. Intervals whose half is more than 5% of the figure (10% for p95 and p99) are said to be wider."
}

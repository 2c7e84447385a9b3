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

// inMemory returns whether a variant is a worker alone whose files are cached in memory.
func inMemory(v measurement.Variant) bool {
	return v.System == measurement.Service && !v.Evicted && !v.NFS
}

// local returns whether a variant is such a worker with this project's network.
func local(v measurement.Variant) bool { return inMemory(v) && v.Network == "" }

// engineAndNetwork returns the name of a variant's engine, and of its network if it is not this
// project's.
func engineAndNetwork(v measurement.Variant) string {
	if v.Network == measurement.Magenta {
		return measurement.EngineName(v.Engine) + ", Magenta's network"
	}
	return measurement.EngineName(v.Engine)
}

// processorShare describes the share of the processors that a variant may use.
func processorShare(v measurement.Variant) string {
	if v.CPUs() == 0 {
		return "whole machine"
	}
	return fmt.Sprintf("%s MB, quota period %d ms", exact(float64(v.MemoryMB)), v.PeriodMS)
}

// ofProcessor returns a table's title, followed by the processor model if the folder has several.
func (f *folder) ofProcessor(title, processor string) string {
	if len(f.processors()) == 1 {
		return title
	}
	return title + ", " + processor
}

// serviceTimes returns the section on the times of one worker alone.
func serviceTimes(f *folder) Section {
	s := Section{ID: "service", Title: "Service times", Text: []string{
		"One worker alone paints one picture after the other, with engine and model cached in memory. Figures are geometric means over the runs, each of which counts with the mean of its warm pictures. With ten runs or more, the 95% interval by Student's t on the logarithms is in parentheses. " + intervals(f),
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
			warm := func(of func(measurement.Job) float64) float64 { return statistics.Mean(g.means(false, of)) }
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
			times.Notes = []string{"Billed by Lambda's rule: rounded up to the next millisecond, and for a cold picture including the start of its process. Used is processor time, which with two threads is up to twice the elapsed time."}
			s.Tables = append(s.Tables, times, stages)
		}
	}
	if len(s.Tables) == 0 {
		s.Missing = "This was not measured: run scripts/compare --only 'service-*' --out DIR."
	}
	return s
}

// intervals describes which figures have intervals.
func intervals(f *folder) string {
	if f.plan.Quick {
		return "A quick measurement has no intervals."
	}
	return "Figures have an interval only after exactly 10, 15 or 20 runs, because results are examined then. If half of the interval is more than 5% of the figure (10% for p95 and p99), the figure is marked as wider. Fewer than ten runs have their lowest and highest figure in parentheses instead, which is no interval."
}

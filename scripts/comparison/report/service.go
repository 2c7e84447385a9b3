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
		"A worker alone paints one picture after the other, without load. Its engine and neural network are in memory when it starts, from an earlier start. The first picture of a run is cold, all others are warm, and a run counts with the mean of its warm ones.",
		intervals(f),
	}}
	for _, p := range f.processors() {
		times := Table{
			Title: f.ofProcessor("Warm and cold pictures, seconds", p), Left: 2, Basis: cost.Measured,
			Columns: []string{"Engine", "Processors", "Size, px", "Threads", "Runs", "Warm picture in the handler", "Warm picture, billed", "Used / billed", "Start of the process", "Cold picture in the handler", "Cold picture, billed"},
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
			times.Notes = []string{
				"In the handler: from the receipt of a job until its picture is stored. Billed: what Lambda would bill, which is rounded up to the next millisecond and, for a cold picture, includes the start of its process. Used: processor time, which with two threads can be twice the elapsed time.",
				"Processors: all of the machine, or the share of a function with this memory, applied in each quota period. Threads: of the engine, per picture.",
			}
			stages.Notes = []string{"Read and Write: from and to the shared directory, here on the local disk. Decode and Encode: the picture's file. Paint: the computation of the neural network. Other: the rest of the time in the handler."}
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
	return "Figures are means of one value of each run: geometric means of latencies and of cold and warm pictures, arithmetic means of parts, stages and counts. After 10, 15 or 20 runs, the 95% interval of a geometric mean follows in parentheses (Student's t on the logarithms); results are not examined after other numbers of runs, because to stop at a convenient result would bias it. If half of the interval is more than 5% of the figure (10% for p95, p99 and first pictures), it is marked as wider. After two to nine runs, the lowest and the highest value of the runs follow instead, which are no interval."
}

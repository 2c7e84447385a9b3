package report

import (
	"fmt"
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// percentiles are each run's percentile of the latencies, of runs with enough jobs.
func (g group) percentiles(p float64, quick bool) []float64 {
	return g.each(func(r *measurement.Run) (float64, bool) {
		var values []float64
		for _, j := range r.Jobs {
			if j.Failed == "" {
				values = append(values, j.Latency)
			}
		}
		if quick && len(values) > 0 { // of so few jobs that it is one of them
			return mean(values), p == 50
		}
		v, err := statistics.Percentile(values, p)
		return v, err == nil
	})
}

// latencies has what clients wait, for each system and pattern of arrivals.
func latencies(f *folder) Section {
	s := Section{ID: "latency", Title: "Latency under load", Text: []string{
		"Whole systems on this machine, under arrivals that don't wait for responses, at no more than half of its load. All get the photograph in the same request over HTTP. Latency is from when a job was to be sent until its picture is stored; of the Python server, which stores none, until it is received. Nothing is left out, cold starts neither. " + intervals(f),
	}}
	for _, p := range f.processors() {
		times, parts := f.latencyTables(p)
		if len(times.Rows) > 0 {
			s.Tables = append(s.Tables, times, parts)
		}
	}
	if len(s.Tables) > 0 {
		s.Charts = latencyCharts(f.groups(f.processors()[0]), f.plan.Quick)
	} else {
		s.Missing = "Nothing was measured of this: run scripts/compare --only '*-poisson-*' --out DIR, and with steady and bursts."
	}
	return s
}

// latencyTables are what clients wait, and what they wait for, on a processor model.
func (f *folder) latencyTables(processor string) (times, parts Table) {
	times = Table{
		Title: f.ofProcessor("Latency, seconds", processor), Left: 3, Basis: cost.Measured,
		Columns: []string{"Load", "System", "Engine", "Size, px", "Runs", "Jobs a run", "p50", "p95", "p99", "Cold, a run"},
		Notes:   []string{"p50 and p95 take 200 jobs a run, p99 1,000. Where a run has fewer, p99 is that of all runs' jobs together, without an interval; a dash where they are too few together too."},
	}
	if f.plan.Quick {
		times.Notes = []string{"Of a quick measurement's few jobs p50 is the mean."}
	}
	parts = Table{
		Title: f.ofProcessor("Parts of a warm picture's latency, and processor time, seconds a picture", processor), Left: 3, Basis: cost.Measured,
		Columns: []string{"Load", "System", "Engine", "Until received", "of it for an environment", "In the handler", "The system", "Stand-ins for AWS", "The sender", "Share of the machine"},
		Notes: []string{
			"Until received: the request, the queue and the wait for a worker; where MiniStack stands in for AWS's functions and queue, it is MiniStack's own time, and AWS's differs. The handler is what counts. Processor time is of the system's programs, of what stands in for AWS, and of the sender; the share of the machine is of all.",
			"Functions under load are not held to the processors of their memory; the synchronous function, and the one that serves several requests, have one thread of the engine a picture, where a function of 3,007 MB is deployed with two: compare their handlers with each other, not with Service times. There are as many environments as processors, where Lambda would start more. Idle environments end after seconds, where Lambda keeps them for minutes. A dash: the system does not report it.",
		},
	}
	for _, g := range f.groups(processor) {
		v := g.variant
		if v.System == measurement.Service {
			continue
		}
		head := []string{load(v), systemName(v), engineAndNetwork(v)}
		of := func(of func(*measurement.Run) float64) float64 {
			return mean(g.each(func(r *measurement.Run) (float64, bool) { return of(r), true }))
		}
		times.Rows = append(times.Rows, append(slices.Clone(head), exact(float64(v.Size)), exact(float64(len(g.runs))), exact(float64(v.Jobs)),
			interval(g.percentiles(50, f.plan.Quick), statistics.GoalP50, f.plan.Quick), interval(g.percentiles(95, f.plan.Quick), statistics.GoalP95, f.plan.Quick),
			g.p99(f.plan.Quick), figure(of(func(r *measurement.Run) float64 { return float64(r.ColdJobs()) }))))
		busy := func(part func(measurement.Busy) float64) string {
			return figure(of(func(r *measurement.Run) float64 { return part(r.Busy()) / float64(len(r.Jobs)) }))
		}
		parts.Rows = append(parts.Rows, append(head,
			g.warmMean(func(j measurement.Job) float64 { return j.Received }), g.warmMean(func(j measurement.Job) float64 { return j.Waited }), g.warmMean(handler),
			busy(func(b measurement.Busy) float64 { return b.System }), busy(func(b measurement.Busy) float64 { return b.StandIns }), busy(func(b measurement.Busy) float64 { return b.Sender }),
			percent(of(func(r *measurement.Run) float64 { return r.Footer.Share }))))
	}
	return times, parts
}

// warmMean is the mean of a time of warm pictures; a dash where the system does not report it.
func (g group) warmMean(of func(measurement.Job) float64) string {
	values := slices.DeleteFunc(g.warm(of), func(v float64) bool { return v == 0 })
	return figure(mean(values))
}

// p99 is the 99th percentile: that of each run where they have enough jobs, else of all together.
func (g group) p99(quick bool) string {
	if values := g.percentiles(99, quick); len(values) > 0 || quick {
		return interval(values, statistics.GoalP95, quick)
	}
	if v := g.pooledP99(); v > 0 {
		return figure(v) + " (together)"
	}
	return none
}

// coldStarts has what the first picture of a process takes, by where engine and model lie.
func coldStarts(f *folder) Section {
	s := Section{ID: "cold", Title: "Cold starts", Text: []string{
		"A cold start is the first picture of a process, which has to load engine and model first. Local: both are on the function's own disk, as from a zip archive; they are in memory after an earlier start, or read from disk. Shared file system: both are read over NFS, as from EFS, in the small reads of the loader or read ahead in large ones. TensorFlow is too large for a function's zip archive: its local rows are for comparison.",
		"The shared file system here is in user-mode Linux, whose processor time is in its figures: read its calls and bytes rather than its seconds.",
	}}
	for _, p := range f.processors() {
		t := Table{
			Title: f.ofProcessor("First pictures", p), Left: 3, Basis: cost.Measured,
			Columns: []string{"Engine", "Files", "Processors", "Size, px", "Runs", "Start, s", "Handler, s", "Billed, s", "Reads over NFS", "MiB over NFS", "Waits for NFS, s"},
		}
		for _, g := range f.groups(p) {
			v := g.variant
			if v.System != measurement.Service || len(g.means(true, handler)) == 0 {
				continue
			}
			of := func(of func(measurement.Job) float64) string {
				return interval(g.means(true, of), statistics.GoalP95, f.plan.Quick)
			}
			row := []string{engineAndNetwork(v), packaging(v), processorShare(v), exact(float64(v.Size)), exact(float64(len(g.runs))),
				of(func(j measurement.Job) float64 { return j.Start }), of(handler), of(billed), none, none, none}
			if v.NFS {
				row[8] = figure(mean(g.means(true, func(j measurement.Job) float64 { return float64(j.NFSReads) })))
				row[9] = figure(mean(g.means(true, func(j measurement.Job) float64 { return float64(j.NFSBytes) / (1 << 20) })))
				row[10] = figure(mean(g.means(true, func(j measurement.Job) float64 { return j.NFSWaited })))
			}
			t.Rows = append(t.Rows, row)
		}
		if len(t.Rows) > 0 {
			s.Tables = append(s.Tables, t)
		}
	}
	if len(s.Tables) == 0 {
		s.Missing = "Nothing was measured of this: run scripts/compare --only 'service-*' --out DIR."
	} else if c, ok := coldChart(f.groups(f.processors()[0])); ok {
		s.Charts = []Chart{c}
	}
	return s
}

// packaging is where a worker's files were when it started.
func packaging(v measurement.Variant) string {
	switch {
	case v.NFS && v.ReadAhead:
		return fmt.Sprintf("shared file system, read ahead (%d ms a call)", v.LatencyMS)
	case v.NFS:
		return fmt.Sprintf("shared file system (%d ms a call)", v.LatencyMS)
	case v.Evicted:
		return "local, read from disk"
	}
	return "local, in memory"
}

package report

import (
	"fmt"
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// percentiles returns a percentile of the latencies of each run that has enough jobs.
func (g group) percentiles(p float64, quick bool) []float64 {
	return g.each(func(r *measurement.Run) (float64, bool) {
		var values []float64
		for _, j := range r.Jobs {
			if j.Failed == "" {
				values = append(values, j.Latency)
			}
		}
		if quick && len(values) > 0 { // so few jobs that the percentile would be one of them
			return statistics.Mean(values), p == 50
		}
		v, err := statistics.Percentile(values, p)
		return v, err == nil
	})
}

// latencies returns the section on the latencies that clients see, for each system and arrival
// pattern.
func latencies(f *folder) Section {
	s := Section{ID: "latency", Title: "Latency under load", Text: []string{
		"Here whole systems were measured on this machine. A load generator sends jobs at planned times and does not wait for earlier ones; all programs together may use at most half of the machine's processor time. Every system receives the same photograph in the same HTTP request. Latency is the time from the planned time of sending until the picture is stored; for the Python server, which stores none, until the response is received. All jobs count, including those with cold starts.",
		fmt.Sprintf("The rate of a load is its mean number of jobs a second. At a steady rate, the time between jobs is always the same. A burst has %d jobs at five times the rate, and is followed by a silence. In loads like the image jobs the rate differs between runs, as between parts of a recorded trace.", measurement.Burst),
		intervals(f),
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
		s.Missing = "This was not measured: run scripts/compare --only '*-poisson-*' --out DIR, and with other folders '*-steady-*' and '*-bursts-*'."
	}
	return s
}

// latencyTables returns the latencies that clients see on a processor model, and what they consist
// of.
func (f *folder) latencyTables(processor string) (times, parts Table) {
	times = Table{
		Title: f.ofProcessor("Latency, seconds", processor), Left: 3, Basis: cost.Measured,
		Columns: []string{"Load", "System", "Engine", "Size, px", "Runs", "Jobs per run", "p50", "p95", "p99", "Cold starts per run"},
		Notes:   []string{"p50 and p95 are computed for each run of 200 jobs or more, p99 for each run of 1,000. If the runs have fewer jobs, p99 is computed from the jobs of all runs together, which is marked (together) and has no interval. A dash: there are too few jobs."},
	}
	if f.plan.Quick {
		times.Notes = []string{"In a quick measurement, whose runs have few jobs, p50 is the mean."}
	}
	parts = Table{
		Title: f.ofProcessor("Parts of a warm picture's latency, and processor time, in seconds per picture", processor), Left: 3, Basis: cost.Measured,
		Columns: []string{"Load", "System", "Engine", "Until received", "of this, waiting for an environment", "In the handler", "Processor time of the system", "of the AWS emulators", "of the load generator", "Share of the machine"},
		Notes: []string{
			"Until received: from the planned time of sending until a worker has the job, with the request, the queue and the wait for a worker; for the Python server, all of the latency outside of the handler. Where MiniStack emulates AWS's functions and queue, this is mostly MiniStack's own time, which differs from AWS's. In the handler: from there until the picture is stored; for the Python server, until the response is sent. This is the time by which systems can be compared. A dash: the system does not report the time.",
			"Processor time is the sum over all jobs of a run, divided by their number. Share of the machine: the processor time of all programs, divided by that of all processors during the run.",
			"Functions under load are not limited to the share of the processors that their memory gives them. The synchronous function, and the one with several requests per environment, use one thread of the engine per picture, where a deployed function of 3,007 MB uses two: compare their handlers with each other, but not with the section Service times. There are at most as many environments as the machine has processors, where Lambda would start more. Idle environments end after seconds, where Lambda keeps them for minutes.",
		},
	}
	for _, g := range f.groups(processor) {
		v := g.variant
		if v.System == measurement.Service {
			continue
		}
		head := []string{load(v), systemName(v), engineAndNetwork(v)}
		of := func(of func(*measurement.Run) float64) float64 {
			return statistics.Mean(g.each(func(r *measurement.Run) (float64, bool) { return of(r), true }))
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

// warmMean returns the mean of a time over warm pictures; a dash if the system does not report it.
func (g group) warmMean(of func(measurement.Job) float64) string {
	values := slices.DeleteFunc(g.warm(of), func(v float64) bool { return v == 0 })
	return figure(statistics.Mean(values))
}

// p99 formats the 99th percentile: of each run if the runs have enough jobs, else of all jobs
// together.
func (g group) p99(quick bool) string {
	if values := g.percentiles(99, quick); len(values) > 0 || quick {
		return interval(values, statistics.GoalP95, quick)
	}
	if v := g.pooledP99(); v > 0 {
		return figure(v) + " (together)"
	}
	return none
}

// coldStarts returns the section on the first picture of a process, by where engine and model are
// stored.
func coldStarts(f *folder) Section {
	s := Section{ID: "cold", Title: "Cold starts", Text: []string{
		"What was measured is the first picture of a worker's process, which has to load engine and neural network before. What AWS does before it starts the process is not included. Local: both are on the worker's own disk, as if from a function's zip archive, and are either still in memory after an earlier start or read from disk. Shared file system: both are read over NFS, as from EFS, either in small pieces when they are needed or, with read ahead, in large pieces before. TensorFlow is too large for a function's zip archive, so its local rows are only for comparison.",
		"The shared file system of this measurement runs in user-mode Linux, which is slow: from these rows use the numbers of reads and bytes, but not the seconds. The delay of the network between worker and file server is added to each call, and is in the name of the row.",
	}}
	for _, p := range f.processors() {
		t := Table{
			Title: f.ofProcessor("First pictures", p), Left: 3, Basis: cost.Measured,
			Columns: []string{"Engine", "Files", "Processors", "Size, px", "Threads", "Runs", "Start, s", "In the handler, s", "Billed, s", "Reads over NFS", "Read over NFS, MiB", "Waits for NFS, s"},
			Notes: []string{
				"Start: from the start of the process until it asks for a job, with loading of engine and neural network. In the handler: from the receipt of the job until its picture is stored. Billed: what Lambda would bill, which includes the start. Waits for NFS: the sum over all reads, which may overlap.",
				"Processors: all of the machine, or the share of a function with this memory, applied in each quota period. Threads: of the engine, per picture.",
			},
		}
		for _, g := range f.groups(p) {
			v := g.variant
			if v.System != measurement.Service || len(g.means(true, handler)) == 0 {
				continue
			}
			of := func(of func(measurement.Job) float64) string {
				return interval(g.means(true, of), statistics.GoalP95, f.plan.Quick)
			}
			row := []string{engineAndNetwork(v), packaging(v), processorShare(v), exact(float64(v.Size)), exact(float64(v.Threads)), exact(float64(len(g.runs))),
				of(func(j measurement.Job) float64 { return j.Start }), of(handler), of(billed), none, none, none}
			if v.NFS {
				row[9] = figure(statistics.Mean(g.means(true, func(j measurement.Job) float64 { return float64(j.NFSReads) })))
				row[10] = figure(statistics.Mean(g.means(true, func(j measurement.Job) float64 { return float64(j.NFSBytes) / (1 << 20) })))
				row[11] = figure(statistics.Mean(g.means(true, func(j measurement.Job) float64 { return j.NFSWaited })))
			}
			t.Rows = append(t.Rows, row)
		}
		if len(t.Rows) > 0 {
			s.Tables = append(s.Tables, t)
		}
	}
	if len(s.Tables) == 0 {
		s.Missing = "This was not measured: run scripts/compare --only 'service-*' --out DIR."
	} else if c, ok := coldChart(f.groups(f.processors()[0])); ok {
		s.Charts = []Chart{c}
	}
	return s
}

// packaging describes where a worker's files were when it started.
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

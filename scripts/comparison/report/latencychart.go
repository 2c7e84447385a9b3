package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// systemName returns the name of a variant's system for readers.
func systemName(v measurement.Variant) string {
	switch v.System {
	case measurement.Daemon:
		return "server and daemon"
	case measurement.MiniStack:
		return "functions (MiniStack)"
	case measurement.Synchronous:
		return "synchronous function"
	case measurement.Concurrent:
		return "several requests per environment (hypothetical)"
	case measurement.Flask:
		return "Python server"
	}
	return v.System
}

// load describes the arrival pattern and rate of a variant.
func load(v measurement.Variant) string {
	name := map[string]string{measurement.Steady: "at a steady rate", measurement.Poisson: "at random", measurement.Bursts: fmt.Sprintf("in bursts of %d", measurement.Burst), measurement.Synthetic: "like the image jobs", measurement.Recorded: "as recorded"}[v.Pattern]
	return fmt.Sprintf("%s, %s jobs/s", name, exact(v.Rate))
}

// pooledP99 returns the 99th percentile of the jobs of all runs together, which has no interval;
// NaN if these are too few.
func (g group) pooledP99() float64 {
	var values []float64
	for _, r := range g.runs {
		for _, j := range r.Jobs {
			if j.Failed == "" {
				values = append(values, j.Latency)
			}
		}
	}
	v, err := statistics.Percentile(values, 99)
	if err != nil {
		return math.NaN()
	}
	return v
}

// latencyCharts returns one chart for each load, of the systems measured on a processor model.
func latencyCharts(groups []group, quick bool) (charts []Chart) {
	var loads []string
	for _, g := range groups {
		if g.variant.System != measurement.Service && !slices.Contains(loads, load(g.variant)) {
			loads = append(loads, load(g.variant))
		}
	}
	for _, name := range loads {
		c := Chart{
			Title: "Latency by system, jobs " + name, Basis: cost.Measured, X: "Latency in seconds", logX: true,
			Caption: "Further left is better. 50% of the jobs are done within p50, 95% within p95, and 99% within p99, which is of the jobs of all runs together.",
			Series:  []Series{{Name: "p50"}, {Name: "p95"}, {Name: "p99"}},
		}
		for _, g := range groups {
			if g.variant.System == measurement.Service || load(g.variant) != name {
				continue
			}
			row := float64(len(c.Rows))
			title := systemName(g.variant) + ", " + engineAndNetwork(g.variant)
			if n := len(g.runs); n < enoughRuns && !quick {
				title += fmt.Sprintf(" (runs: %d)", n)
			}
			c.Rows = append(c.Rows, title)
			for i, v := range []float64{center(g.percentiles(50, quick)), center(g.percentiles(95, quick)), g.pooledP99()} {
				if v > 0 {
					c.Series[i].X, c.Series[i].Y = append(c.Series[i].X, v), append(c.Series[i].Y, row)
				}
			}
		}
		c.Series = slices.DeleteFunc(c.Series, func(s Series) bool { return len(s.X) == 0 })
		if len(c.Series) > 0 {
			charts = append(charts, c)
		}
	}
	return charts
}

// coldChart returns the chart of a process's first picture, by engine and by where its files are.
func coldChart(groups []group) (Chart, bool) {
	size := math.MaxInt // the smallest, at which the shared file system was measured
	for _, g := range groups {
		if g.variant.System == measurement.Service {
			size = min(size, g.variant.Size)
		}
	}
	c := Chart{
		Title: "The first picture of a process", Basis: cost.Measured, X: "Seconds", stacked: true,
		Caption: fmt.Sprintf("By engine, and by where engine and neural network are stored: pictures of %d px, with all processors of the machine unless a row names another size and a function's memory.", size),
		Series:  []Series{{Name: "start of the process, with loading of engine and neural network"}, {Name: "the picture itself"}},
	}
	for _, g := range groups {
		v := g.variant
		if v.System != measurement.Service || len(g.means(true, handler)) == 0 || !v.NFS && !v.Evicted && (v.CPUs() > 0 || v.Size != size) {
			continue
		}
		name := measurement.EngineName(v.Engine) + ": " + packaging(v)
		if v.Size != size || v.CPUs() > 0 {
			name += fmt.Sprintf(" (%d px, %d MB)", v.Size, v.MemoryMB)
		}
		row := float64(len(c.Rows))
		c.Rows = append(c.Rows, name)
		start := center(g.means(true, func(j measurement.Job) float64 { return j.Start }))
		for i, s := range []float64{start, center(g.means(true, handler))} {
			c.Series[i].X, c.Series[i].Y = append(c.Series[i].X, s), append(c.Series[i].Y, row)
		}
	}
	return c, len(c.Rows) > 0
}

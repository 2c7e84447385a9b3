// Package sweepermetrics provides metrics of sweeps for Prometheus. Processes take turns with
// sweeps, and each process counts only its own.
package sweepermetrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/atelier-go/atelier/pkg/sweeper"
)

// Metrics is a prometheus.Collector. It is safe for concurrent use.
type Metrics struct {
	sweeps     *prometheus.CounterVec
	seconds    prometheus.Counter
	jobs       *prometheus.CounterVec
	unfinished prometheus.Gauge
	behind     prometheus.Gauge
}

// New returns Metrics with all counters at 0.
func New() *Metrics {
	m := &Metrics{
		sweeps: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atelier_sweeps_total", Help: "Sweeps of this process, which takes turns with others.",
		}, []string{"result"}),
		seconds: prometheus.NewCounter(prometheus.CounterOpts{Name: "atelier_sweep_seconds_total", Help: "Time that sweeps of this process took."}),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atelier_swept_jobs_total", Help: "Jobs that sweeps of this process sent again, took from the dead-letter queue, failed as too old, or removed.",
		}, []string{"action"}),
		unfinished: prometheus.NewGauge(prometheus.GaugeOpts{Name: "atelier_unfinished_jobs", Help: "Unfinished jobs at the last sweep of this process."}),
		behind: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "atelier_retention_behind_seconds", Help: "How long ago the retention began a pass that has not yet removed all expired jobs, at the last sweep of this process; 0 if it has removed all.",
		}),
	}
	for _, result := range []string{"ok", "error"} { // so that both series exist from the start
		m.sweeps.WithLabelValues(result)
	}
	return m
}

// Swept counts a sweep. It is meant for the field Swept of [sweeper.Config].
func (m *Metrics) Swept(r sweeper.Report) {
	result := "ok"
	if r.Err != nil {
		result = "error"
	}
	m.sweeps.WithLabelValues(result).Inc()
	m.seconds.Add(r.Took.Seconds())
	for action, n := range map[string]int{"resent": r.Resent, "dead": r.Dead, "timed_out": r.TimedOut, "expired": r.Expired} {
		m.jobs.WithLabelValues(action).Add(float64(n))
	}
	m.unfinished.Set(float64(r.Unfinished))
	m.behind.Set(r.Behind.Seconds())
}

func (m *Metrics) all() []prometheus.Collector {
	return []prometheus.Collector{m.sweeps, m.seconds, m.jobs, m.unfinished, m.behind}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, c := range m.all() {
		c.Describe(to)
	}
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(to chan<- prometheus.Metric) {
	for _, c := range m.all() {
		c.Collect(to)
	}
}

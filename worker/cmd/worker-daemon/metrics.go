package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/atelier-go/atelier/pkg/sweeper/sweepermetrics"
	"github.com/atelier-go/atelier/worker"
)

// metrics are the Prometheus metrics of the worker, for /metrics.
type metrics struct {
	registry *prometheus.Registry
	jobs     *prometheus.CounterVec
	stages   *prometheus.HistogramVec
	sweeps   *sweepermetrics.Metrics
}

func newMetrics() *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atelier_jobs_total", Help: "Attempts at jobs that have ended.",
		}, []string{"outcome"}),
		stages: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "atelier_job_stage_seconds", Help: "Time that a job takes: queue_wait from the submission to its first attempt, decode, stylize and encode.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800},
		}, []string{"stage"}),
		sweeps: sweepermetrics.New(),
	}
	m.registry.MustRegister(m.jobs, m.stages, m.sweeps,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, o := range worker.Outcomes { // so that they exist before the first attempt
		m.jobs.WithLabelValues(string(o))
	}
	return m
}

// attempt counts an attempt, when it has ended.
func (m *metrics) attempt(a worker.Report) {
	m.jobs.WithLabelValues(string(a.Outcome)).Inc()
	r := a.Receipt
	for stage, ms := range map[string]float64{"decode": r.DecodeMS, "stylize": r.StylizeMS, "encode": r.EncodeMS} {
		if ms > 0 {
			m.stages.WithLabelValues(stage).Observe(ms / 1000)
		}
	}
	if a.Number == 1 && r.QueueWaitMS > 0 {
		m.stages.WithLabelValues("queue_wait").Observe(r.QueueWaitMS / 1000)
	}
}

// serve serves /metrics at a loopback address until stop is called. It refuses any other address,
// because every client may read the metrics. at is the address with the port that is actually used.
// failed is called if serving ends before stop is called.
func (m *metrics) serve(ctx context.Context, address string, failed func(error)) (at string, stop func(), err error) {
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("--metrics: %w", err)
	}
	if !addr.IP.IsLoopback() {
		return "", nil, fmt.Errorf("--metrics: %s is not a loopback address, and metrics are not protected by keys: use 127.0.0.1:9464", address)
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return "", nil, fmt.Errorf("--metrics: %w; use another port", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			failed(err)
		}
	}()
	return l.Addr().String(), func() { _ = server.Close(); <-done }, nil
}

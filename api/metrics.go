package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/job"
)

// metrics are what /metrics tells, in Prometheus' terms. No label names a job, an
// owner or a path, whose number has no bound. A nil *metrics counts nothing.
type metrics struct {
	registry    *prometheus.Registry
	requests    *prometheus.CounterVec
	latency     *prometheus.HistogramVec
	inFlight    prometheus.Gauge
	submissions prometheus.Counter
	bytes       prometheus.Counter
}

func newMetrics(s *Server) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "atelier_http_requests_total", Help: "Requests that were answered; the route is none where there is nothing.",
		}, []string{"route", "method", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "atelier_http_request_duration_seconds", Help: "Time from a request's head to the end of its answer, but of requests that wait for a job.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "method"}),
		inFlight:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "atelier_http_requests_in_flight", Help: "Requests that are being answered."}),
		submissions: prometheus.NewCounter(prometheus.CounterOpts{Name: "atelier_submissions_total", Help: "Submissions that were accepted."}),
		bytes:       prometheus.NewCounter(prometheus.CounterOpts{Name: "atelier_submitted_bytes_total", Help: "Bytes of pictures that were accepted."}),
	}
	m.registry.MustRegister(m.requests, m.latency, m.inFlight, m.submissions, m.bytes, newBacklog(s),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "atelier_waiters", Help: "Requests that wait for a job to change."},
			func() float64 { return float64(s.pools.waits.used()) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.registry.MustRegister(s.Collectors...)
	if s.Keys != nil {
		m.registry.MustRegister(keyMetrics(s.Keys)...)
	}
	return m
}

// keyMetrics are the state of the API keys.
func keyMetrics(keys *keyring.Ring) []prometheus.Collector {
	gauge := func(name, help string, of func(keyring.Status) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(of(keys.Status())) })
	}
	return []prometheus.Collector{
		gauge("atelier_keys", "API keys that admit somebody.", func(s keyring.Status) int { return s.Keys }),
		gauge("atelier_keys_bad_lines", "Lines of the API keys that are wrong and admit nobody.", func(s keyring.Status) int { return s.BadLines }),
		gauge("atelier_keys_file_ok", "1 while the API keys can be read, else 0: those that were read last then count for a minute, or five where they are not in a file.", func(s keyring.Status) int {
			if s.Readable {
				return 1
			}
			return 0
		}),
	}
}

// metricsRoute serves /metrics to an admin.
func (s *Server) metricsRoute(mux *router) {
	tell := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if _, refusal := s.authenticate(r, needs(keyring.Admin)); refusal != nil {
			writeProblem(w, refusal)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		tell.ServeHTTP(w, r)
	})
}

// submitted counts an accepted submission.
func (m *metrics) countSubmission(spec *job.Spec) {
	if m == nil {
		return
	}
	m.submissions.Inc()
	m.bytes.Add(float64(spec.Input.Bytes))
	if spec.StyleInput != nil {
		m.bytes.Add(float64(spec.StyleInput.Bytes))
	}
}

// watch counts what goes through next, which leaves the route in the request.
func (m *metrics) countRequests(next http.Handler) http.Handler {
	if m == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, seen := time.Now(), &statusWriter{ResponseWriter: w}
		m.inFlight.Inc()
		finished := false
		defer func() { // a handler that panics too
			m.inFlight.Dec()
			route, method := routeOf(r)
			m.requests.WithLabelValues(route, method, seen.class(finished)).Inc()
			if !strings.Contains(r.URL.RawQuery, "wait=") {
				m.latency.WithLabelValues(route, method).Observe(time.Since(began).Seconds())
			}
		}()
		next.ServeHTTP(seen, r)
		finished = true
	})
}

// routeOf are a request's labels: from the pattern that it matched, since paths
// and methods are whatever clients send.
func routeOf(r *http.Request) (route, method string) {
	route = "none"
	if _, path, ok := strings.Cut(r.Pattern, " "); ok {
		route = path
	}
	if method = r.Method; !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete}, method) {
		method = "other"
	}
	return route, method
}

// A statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader begins an answer, as Write and ReadFrom do where it was not called.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write is [io.Writer].
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// ReadFrom lets files go to the socket without a detour.
func (w *statusWriter) ReadFrom(r io.Reader) (int64, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return io.Copy(w.ResponseWriter, r)
}

// Unwrap is for http.ResponseController.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) class(finished bool) string {
	switch {
	case !finished:
		return "5xx"
	case w.status == 0:
		return "2xx" // net/http's own
	}
	return strconv.Itoa(w.status/100) + "xx"
}

// backlogAge is how long a count is reported before the next one: counting has a cost, and
// several collectors may read /metrics every few seconds.
const backlogAge = 5 * time.Second

// A backlog tells what waits for workers, as long as that can be found out.
type backlog struct {
	queue  *cached[job.Depth]
	active *cached[int]

	messages, jobs *prometheus.Desc
}

func newBacklog(s *Server) *backlog {
	return &backlog{
		queue: newCached(backlogAge, func() (job.Depth, error) {
			ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
			defer cancel()
			return s.Depth.Depth(ctx)
		}),
		active: newCached(backlogAge, func() (int, error) {
			b, known, err := s.Store.Backlog()
			if err == nil && !known {
				err = errors.New("no sweep has counted them lately")
			}
			return b.Unfinished, err
		}),
		messages: prometheus.NewDesc("atelier_queue_messages", "Messages in the queue, roughly, as it counts them itself.", []string{"state"}, nil),
		jobs:     prometheus.NewDesc("atelier_active_jobs", "Jobs that were not finished, or not tidied up, at the last sweep; absent where none was made in the last ten minutes.", nil, nil),
	}
}

// Describe and Collect make it a prometheus.Collector.
func (b *backlog) Describe(to chan<- *prometheus.Desc) { to <- b.messages; to <- b.jobs }

// Collect leaves out what can't be found out in time.
func (b *backlog) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	if d, err := b.queue.get(ctx); err == nil {
		for state, n := range map[string]int{"visible": d.Visible, "in_flight": d.InFlight, "delayed": d.Delayed} {
			to <- prometheus.MustNewConstMetric(b.messages, prometheus.GaugeValue, float64(n), state)
		}
	}
	if n, err := b.active.get(ctx); err == nil {
		to <- prometheus.MustNewConstMetric(b.jobs, prometheus.GaugeValue, float64(n))
	}
}

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

// metrics are the Prometheus metrics of /metrics. No label contains a job, an owner or a path,
// because their number is unlimited. A nil *metrics counts nothing.
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
			Name: "atelier_http_requests_total", Help: "Responses that were sent. The route is none for an unknown path.",
		}, []string{"route", "method", "status"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "atelier_http_request_duration_seconds", Help: "Time from a request's head to the end of its response, without requests that wait for a job.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route", "method"}),
		inFlight:    prometheus.NewGauge(prometheus.GaugeOpts{Name: "atelier_http_requests_in_flight", Help: "Requests that are being handled."}),
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

// keyMetrics returns the metrics of the API keys.
func keyMetrics(keys *keyring.Ring) []prometheus.Collector {
	gauge := func(name, help string, of func(keyring.Status) int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 { return float64(of(keys.Status())) })
	}
	return []prometheus.Collector{
		gauge("atelier_keys", "Valid API keys.", func(s keyring.Status) int { return s.Keys }),
		gauge("atelier_keys_bad_lines", "Invalid lines among the API keys, which are ignored.", func(s keyring.Status) int { return s.BadLines }),
		gauge("atelier_keys_file_ok", "1 while the API keys can be read, else 0: the keys of the last read are then valid for one minute, or five if they are not in a file.", func(s keyring.Status) int {
			if s.Readable {
				return 1
			}
			return 0
		}),
	}
}

// metricsRoute adds the route of /metrics, for admins.
func (s *Server) metricsRoute(mux *router) {
	handler := promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if _, refusal := s.authenticate(r, needs(keyring.Admin)); refusal != nil {
			writeProblem(w, refusal)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		handler.ServeHTTP(w, r)
	})
}

// countSubmission counts an accepted submission.
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

// countRequests returns a handler that counts the requests that next handles. The router notes the
// matched route in the request.
func (m *metrics) countRequests(next http.Handler) http.Handler {
	if m == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began, seen := time.Now(), &statusWriter{ResponseWriter: w}
		m.inFlight.Inc()
		finished := false
		defer func() { // also after a panic
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

// routeOf returns a request's labels: route and method of the matched pattern, because clients can
// send any path and method.
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

// A statusWriter records the status of a response.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements [http.ResponseWriter]. Write and ReadFrom call it if the handler has not.
func (w *statusWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements [io.Writer].
func (w *statusWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return w.ResponseWriter.Write(b)
}

// ReadFrom implements [io.ReaderFrom], so that the kernel can copy a file to the socket.
func (w *statusWriter) ReadFrom(r io.Reader) (int64, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	return io.Copy(w.ResponseWriter, r)
}

// Unwrap returns the underlying writer, for [http.ResponseController].
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *statusWriter) class(finished bool) string {
	switch {
	case !finished:
		return "5xx"
	case w.status == 0:
		return "2xx" // net/http then writes 200
	}
	return strconv.Itoa(w.status/100) + "xx"
}

// backlogAge is how long a count is reported before it is taken again: counting has a cost, and
// several programs may read /metrics every few seconds.
const backlogAge = 5 * time.Second

// A backlog is a Prometheus collector of how many messages and jobs wait for workers.
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
				err = errors.New("no sweep has counted them recently")
			}
			return b.Unfinished, err
		}),
		messages: prometheus.NewDesc("atelier_queue_messages", "Messages in the queue, as the queue counts them approximately.", []string{"state"}, nil),
		jobs:     prometheus.NewDesc("atelier_active_jobs", "Jobs that were unfinished, or not yet cleaned up, at the last sweep; absent if there was none in the last ten minutes.", nil, nil),
	}
}

// Describe implements [prometheus.Collector].
func (b *backlog) Describe(to chan<- *prometheus.Desc) { to <- b.messages; to <- b.jobs }

// Collect implements [prometheus.Collector]. It leaves out a number that is not available in time.
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

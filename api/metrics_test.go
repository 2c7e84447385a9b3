package api_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A depthReader returns a queue's depth and counts the calls.
type depthReader struct {
	asked atomic.Int32
	err   error
}

func (g *depthReader) Depth(context.Context) (job.Depth, error) {
	g.asked.Add(1)
	return job.Depth{Visible: 3, InFlight: 2, Delayed: 1}, g.err
}

// metrics returns the values of /metrics by their lines.
func (s *service) metrics() map[string]string {
	s.Helper()
	resp, body := s.get("/metrics")
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/plain") {
		s.Fatalf("%s %s", resp.Status, body)
	}
	all := map[string]string{}
	for line := range strings.SplitSeq(string(body), "\n") {
		if i := strings.LastIndexByte(line, ' '); i > 0 && !strings.HasPrefix(line, "#") {
			all[line[:i]] = line[i+1:]
		}
	}
	return all
}

func TestMetrics(t *testing.T) {
	depth := &depthReader{}
	s := serve(t, func(c *api.Config) { c.Depth = depth })
	s.swept(time.Now(), 1)
	id := s.good().ID
	s.get("/v1/jobs/" + string(id))
	s.get("/v1/jobs/" + string(id) + "?wait=1")
	s.get("/v1/jobs/nonsense")
	s.get("/nothing/" + string(id))
	s.get("/v1/styles", "Host", "evil.example")
	s.send("BREW", "/v1/jobs", "")
	s.send("POST", "/v1/jobs/"+string(s.in(job.Succeeded))+"/cancel", "")

	got := s.metrics()
	for name, want := range map[string]string{
		`atelier_http_requests_total{method="GET",route="/v1/jobs/{id}",status="2xx"}`:         "2",
		`atelier_http_requests_total{method="GET",route="/v1/jobs/{id}",status="4xx"}`:         "1",
		`atelier_http_requests_total{method="POST",route="/v1/jobs",status="2xx"}`:             "2",
		`atelier_http_requests_total{method="POST",route="/v1/jobs/{id}/cancel",status="4xx"}`: "1",
		`atelier_http_requests_total{method="GET",route="none",status="4xx"}`:                  "2",
		`atelier_http_requests_total{method="other",route="none",status="4xx"}`:                "1",
		`atelier_http_request_duration_seconds_count{method="GET",route="/v1/jobs/{id}"}`:      "2",
		`atelier_http_requests_in_flight`:                                                      "1", // this one
		`atelier_submissions_total`:                                                            "2",
		`atelier_waiters`:                                                                      "0",
		`atelier_queue_messages{state="visible"}`:                                              "3",
		`atelier_queue_messages{state="in_flight"}`:                                            "2",
		`atelier_queue_messages{state="delayed"}`:                                              "1",
		`atelier_active_jobs`:                                                                  "1",
	} {
		if got[name] != want {
			t.Errorf("%s: got %q, want %s", name, got[name], want)
		}
	}
	if v := got["atelier_submitted_bytes_total"]; v == "" || v == "0" {
		t.Errorf("submitted bytes: %q", v)
	}
	for _, name := range []string{"go_goroutines", "process_start_time_seconds"} {
		if got[name] == "" {
			t.Errorf("there is no %s", name)
		}
	}
	for name := range got {
		if strings.Contains(name, string(id)) {
			t.Errorf("%s names a job", name)
		}
	}
	s.metrics()
	if n := depth.asked.Load(); n != 1 {
		t.Errorf("the queue was asked %d times within a moment, want 1", n)
	}
}

// A number that is not available is omitted; the others are there.
func TestMetricsWhileQueueIsUnavailable(t *testing.T) {
	s := serve(t, func(c *api.Config) { c.Depth = &depthReader{err: errors.New("away")} })
	s.swept(time.Now(), 0)
	got := s.metrics()
	if v, ok := got[`atelier_queue_messages{state="visible"}`]; ok {
		t.Errorf("the queue's depth: %s", v)
	}
	if got["atelier_active_jobs"] != "0" {
		t.Errorf("active jobs: %q", got["atelier_active_jobs"])
	}
}

// swept stores the counts of a sweep.
func (s *service) swept(at time.Time, unfinished int) {
	s.Helper()
	if err := s.store.SetBacklog(store.Backlog{At: at, Unfinished: unfinished}); err != nil {
		s.Fatal(err)
	}
}

// The number of unfinished jobs is omitted if no sweep has counted them recently.
func TestActiveJobsWithoutASweep(t *testing.T) {
	for name, swept := range map[string]func(*service){
		"none yet":     func(*service) {},
		"none lately":  func(s *service) { s.swept(time.Now().Add(-time.Hour), 7) },
		"other clocks": func(s *service) { s.swept(time.Now().Add(time.Hour), 7) },
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(c *api.Config) { c.Depth = &depthReader{} })
			s.good()
			swept(s)
			if v, ok := s.metrics()["atelier_active_jobs"]; ok {
				t.Errorf("atelier_active_jobs is %s", v)
			}
		})
	}
}

func TestMetricsNeedAdmin(t *testing.T) {
	g := serveWithKeys(t, func(c *api.Config) { c.Depth = &depthReader{} })
	for as, want := range map[string]string{
		"none": "401", "wrong": "401", "other": "403", "submit": "403", "read": "403", "right": "403", "admin": "200", "keyless": "200",
	} {
		resp, body := g.request(as, "GET", "/metrics", "", nil)
		g.expect(resp, body, want, as+": /metrics")
		if bytes.Contains(body, []byte("anna")) {
			t.Errorf("%s: an owner is named", as)
		}
	}
	s := serve(t)
	resp, body := s.get("/metrics")
	wantProblem(t, resp, body, 404, "not_found", "")
}

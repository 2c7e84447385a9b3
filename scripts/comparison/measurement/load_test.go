package measurement

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Requests are sent at their scheduled times even if no earlier one has a response, and the delay
// of a slow server counts from then on.
func TestOpenLoop(t *testing.T) {
	const requests = 50
	var arrived atomic.Int64
	all := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if arrived.Add(1) == requests {
			close(all)
		}
		select {
		case <-all:
		case <-r.Context().Done():
		}
		if r.URL.Path == "/bad" {
			http.Error(w, "no such picture", http.StatusTeapot)
			return
		}
		fmt.Fprint(w, "painted")
	}))
	defer server.Close()
	arrivals := make([]float64, requests)
	for n := range arrivals {
		arrivals[n] = float64(n) / 500
	}
	targets := []vegeta.Target{{Method: http.MethodGet, URL: server.URL + "/good"}, {Method: http.MethodGet, URL: server.URL + "/bad"}}
	began, responses, err := send(t.Context(), arrivals, targets, time.Minute)
	if err != nil || len(responses) != requests {
		t.Fatalf("got %d responses, %v", len(responses), err)
	}
	last := responses[requests-1]
	bad := 0
	for n, r := range responses {
		if got := r.scheduled.Sub(began).Seconds(); math.Abs(got-arrivals[n]) > 1e-6 {
			t.Errorf("request %d was scheduled for %v, want %v", n, got, arrivals[n])
		}
		if r.began.Before(r.scheduled.Add(-time.Millisecond)) || r.ended.Before(last.began) {
			t.Errorf("request %d: scheduled %v, sent %v, ended %v, and the last was sent at %v", n, r.scheduled, r.began, r.ended, last.began)
		}
		if r.failed != "" {
			bad++
		}
	}
	if bad != requests/2 {
		t.Errorf("%d failed, want every second one", bad)
	}
}

func TestInterruptedLoad(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { stop(); <-r.Context().Done() }))
	defer server.Close()
	defer server.CloseClientConnections()
	if _, _, err := send(ctx, []float64{0, 3600}, []vegeta.Target{{Method: http.MethodGet, URL: server.URL}}, time.Minute); err == nil {
		t.Error("got no error")
	}
}

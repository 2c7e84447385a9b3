package measurement

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	vegeta "github.com/tsenart/vegeta/v12/lib"
)

// Requests are sent at their times although none before has a response, and what a slow server
// takes counts from then on.
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
		t.Errorf("%d failed, want every other", bad)
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

func TestArrivals(t *testing.T) {
	chance := func() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }
	steady, err := Variant{Pattern: Steady, Rate: 4, Jobs: 5}.arrivals(chance())
	if err != nil || steady[0] != 0 || steady[4] != 1 {
		t.Errorf("steady: %v, %v", steady, err)
	}
	random, err := Variant{Pattern: Poisson, Rate: 4, Jobs: 10_000}.arrivals(chance())
	if last := random[len(random)-1]; err != nil || math.Abs(last-2500) > 4*25 { // four standard deviations
		t.Errorf("10,000 at 4 a second take %v s, %v", last, err)
	}
	bursts, err := Variant{Pattern: Bursts, Rate: 0.5, Jobs: 21}.arrivals(chance())
	if err != nil || bursts[9] != 1.8 || bursts[10] != 20 || bursts[20] != 40 {
		t.Errorf("bursts: %v, %v", bursts, err)
	}
	for _, v := range []Variant{{Pattern: Steady, Jobs: 1}, {Pattern: Steady, Rate: 1}, {Pattern: "daily", Rate: 1, Jobs: 1}, {Pattern: Poisson, Rate: math.Inf(1), Jobs: 1}} {
		if _, err := v.arrivals(chance()); err == nil {
			t.Errorf("%+v was taken", v)
		}
	}
}

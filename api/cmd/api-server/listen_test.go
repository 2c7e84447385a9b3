package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

type noQueue struct{}

func (noQueue) Send(context.Context, job.Message) error { return errors.New("none") }
func (noQueue) Check(context.Context) error             { return errors.New("none") }

// A request that waits for a job to change is answered when the server stops, and does not delay
// that.
func TestStopEndsWaits(t *testing.T) {
	jobs, err := store.Open(store.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer jobs.Close()
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	if err := jobs.Create(&job.Spec{ID: id, Style: "custom", Format: "jpeg", Quality: 90, CreatedAt: id.Time()}, []byte("picture"), nil); err != nil {
		t.Fatal(err)
	}
	handler, err := api.New(api.Config{Store: jobs, Queue: noQueue{}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := listen("127.0.0.1:0", false, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	arrived := make(chan struct{})
	watched := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		handler.ServeHTTP(w, r)
	})
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- serve(ctx, l, watched, 100, handler.EndWaits) }()

	url := "http://" + l.Addr().String() + "/v1/jobs/" + string(id)
	began := time.Now()
	answered := make(chan int, 1)
	go func() {
		resp, err := http.Get(url + "?wait=20")
		if err != nil {
			t.Error(err)
			answered <- 0
			return
		}
		resp.Body.Close()
		answered <- resp.StatusCode
	}()
	<-arrived
	stop()
	if err := <-stopped; err != nil {
		t.Errorf("stop: %v", err)
	}
	if status := <-answered; status != http.StatusOK {
		t.Errorf("the waiting request was answered %d, want 200", status)
	}
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("it took %v", took)
	}
}

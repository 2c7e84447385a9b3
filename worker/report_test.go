package worker_test

import (
	"context"
	"errors"
	"image"
	"slices"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// What is counted of jobs: each end of an attempt, once.
func TestEnded(t *testing.T) {
	fails := true
	var mu sync.Mutex
	var ended []worker.Report
	b := newBenchWith(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
		if fails {
			return nil, errors.New("the engine fails")
		}
		return red(ctx, r)
	}, func(c *worker.Config) {
		c.Report = func(a worker.Report) {
			mu.Lock()
			defer mu.Unlock()
			ended = append(ended, a)
		}
	})
	handle := func(m job.Message) {
		_ = b.worker.Handle(t.Context(), m) // what became of it is in ended
	}
	bad, flaky, crashed := b.submit([]byte("no picture"), nil), b.submit(photo(t, 8, 8), nil), b.submit(photo(t, 8, 8), nil)
	flaky.Request = "a-request"
	handle(bad)
	handle(bad) // a duplicate
	handle(flaky)
	fails = false
	handle(flaky)
	for range store.DefaultMaxAttempts {
		b.crash(crashed)
	}
	handle(crashed)
	handle(crashed)

	var got []string
	for _, a := range ended {
		what := string(a.Outcome)
		if a.Code != "" {
			what += " " + a.Code
		}
		got = append(got, what)
	}
	want := []string{"failed unsupported_image", "given_back", "succeeded", "failed gave_up"}
	if !slices.Equal(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	if a := ended[2]; a.Message != flaky || a.Number != 2 || a.Took <= 0 || a.Receipt.DecodeMS <= 0 || a.Receipt.EncodeMS <= 0 {
		t.Errorf("of the one that succeeded: %+v", a)
	}
	if a := ended[1]; a.Number != 1 || a.Receipt.DecodeMS <= 0 || a.Receipt.EncodeMS != 0 {
		t.Errorf("of the one that was given back: %+v", a)
	}
	if a := ended[3]; a.Message.Job != crashed.Job || a.Number != 0 {
		t.Errorf("of the one that was given up: %+v", a)
	}
}

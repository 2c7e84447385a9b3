package worker_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// Each attempt is reported once, at its end, and each failed job is logged as a warning.
func TestReport(t *testing.T) {
	fails := true
	var mu sync.Mutex
	var reports []worker.Report
	var log bytes.Buffer
	b := newBenchWith(t, 0, func(ctx context.Context, r style.Request) (*image.RGBA, error) {
		if fails {
			return nil, errors.New("the engine fails")
		}
		return red(ctx, r)
	}, func(c *worker.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Report = func(a worker.Report) {
			mu.Lock()
			defer mu.Unlock()
			reports = append(reports, a)
		}
	})
	handle := func(m job.Message) {
		_ = b.worker.Handle(t.Context(), m) // its outcome is in reports
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
	for _, a := range reports {
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
	if a := reports[2]; a.Message != flaky || a.Number != 2 || a.Took <= 0 || a.Receipt.DecodeMS <= 0 || a.Receipt.EncodeMS <= 0 {
		t.Errorf("the report of the job that succeeded: %+v", a)
	}
	if a := reports[1]; a.Number != 1 || a.Receipt.DecodeMS <= 0 || a.Receipt.EncodeMS != 0 {
		t.Errorf("the report of the job that was given back: %+v", a)
	}
	if a := reports[3]; a.Message.Job != crashed.Job || a.Number != 0 {
		t.Errorf("the report of the job that was given up: %+v", a)
	}
	failed := `level=WARN msg="failed: all its attempts were used up" job=` + string(crashed.Job) + " run=1 code=gave_up"
	if got := strings.Count(log.String(), failed); got != 1 {
		t.Errorf("the log contains %q %d times, want once:\n%s", failed, got, &log)
	}
	if got := strings.Count(log.String(), `level=INFO msg="nothing to do`); got != 2 {
		t.Errorf("%d messages with nothing to do, want those of the two duplicates:\n%s", got, &log)
	}
}

package main

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/sweeper"
	"github.com/atelier-go/atelier/worker"
)

func TestMetrics(t *testing.T) {
	m := newMetrics()
	at, stop, err := m.serve(t.Context(), "127.0.0.1:0", func(err error) { t.Error(err) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	scrape := func() string {
		t.Helper()
		resp, err := http.Get("http://" + at + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s, %v", resp.Status, err)
		}
		return string(b)
	}
	expect := func(lines ...string) {
		t.Helper()
		got := scrape()
		for _, line := range lines {
			if !strings.Contains(got, "\n"+line+"\n") {
				t.Errorf("%q is missing in:\n%s", line, got)
			}
		}
	}
	expect(`atelier_jobs_total{outcome="succeeded"} 0`, `atelier_jobs_total{outcome="failed"} 0`, `atelier_jobs_total{outcome="stuck"} 0`)
	m.attempt(worker.Report{Number: 1, Outcome: worker.Succeeded, Receipt: job.Receipt{QueueWaitMS: 40, DecodeMS: 2, StylizeMS: 20, EncodeMS: 3}})
	m.attempt(worker.Report{Number: 2, Outcome: worker.Failed, Receipt: job.Receipt{QueueWaitMS: 4000}})
	m.sweeps.Swept(sweeper.Report{Unfinished: 7, Resent: 2, Expired: 3, Took: time.Second})
	m.sweeps.Swept(sweeper.Report{Unfinished: 5, Behind: time.Minute, Err: errors.New("the queue is unavailable")})
	expect(`atelier_jobs_total{outcome="succeeded"} 1`, `atelier_jobs_total{outcome="failed"} 1`,
		`atelier_job_stage_seconds_sum{stage="stylize"} 0.02`, `atelier_job_stage_seconds_count{stage="queue_wait"} 1`,
		`atelier_sweeps_total{result="ok"} 1`, `atelier_sweeps_total{result="error"} 1`,
		`atelier_swept_jobs_total{action="resent"} 2`, `atelier_swept_jobs_total{action="expired"} 3`, `atelier_unfinished_jobs 5`, `atelier_retention_behind_seconds 60`)
}

func TestMetricsNeedALoopbackAddress(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "192.0.2.1:80", "nonsense"} {
		if _, _, err := newMetrics().serve(t.Context(), address, nil); err == nil || !strings.Contains(err.Error(), "--metrics") {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

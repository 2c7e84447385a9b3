package main_test

import (
	"bytes"
	"net/http"
	"os"
	"regexp"
	"slices"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/apitest"
)

// MiniStack has its queue in memory: when it is killed, all messages are lost. The jobs are not
// lost, because the sweeper sends them again.
func TestUseQueueLosesItsMessages(t *testing.T) {
	d := start(t, "server", "ATELIER_LEASE=2s", "ATELIER_SWEEP_EVERY=1s")
	pid := func(is func(process) bool) int {
		ps := d.processes()
		i := slices.IndexFunc(ps, is)
		if i < 0 {
			t.Fatalf("MiniStack is not among %v", ps)
		}
		return ps[i].pid
	}
	daemon := pid(process.daemon)
	if !d.freeze(daemon) { // otherwise it could finish the jobs first
		t.Fatal("there is no daemon to stop")
	}
	picture := apitest.Stripes(t, 640, 480)
	var ids []job.ID
	for range 12 {
		ids = append(ids, d.submit(picture))
	}
	for _, id := range ids {
		if j := d.Read(id); j.State != job.Queued {
			t.Errorf("no worker runs, but job %s is %s", id, j.State)
		}
	}
	if err := syscall.Kill(pid(process.emulator), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.thaw(daemon)

	// Submissions meanwhile are accepted, or refused with the status and headers for a retry.
	contentType, body := form(t, picture)
	waitFor(t, func() bool {
		a := d.Ask(http.MethodPost, "/v1/jobs", bytes.NewReader(body), "Content-Type", contentType, "Idempotency-Key", "again")
		if a.StatusCode == http.StatusAccepted {
			ids = append(ids, d.Decode(a, http.StatusAccepted).ID)
			return true
		}
		if a.StatusCode != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Fatalf("without a queue: %s, Retry-After %q: %s", a.Status, a.Header.Get("Retry-After"), a.Body)
		}
		return false
	})
	d.output.waitFor(t, regexp.MustCompile(`MiniStack is back`))
	for _, id := range ids {
		if j := d.painted(id); j.Attempts != 1 {
			t.Errorf("job %s had %d attempts", id, j.Attempts)
		}
	}
	d.settled(ids...)
	d.onlyJobs()
	d.end(os.Interrupt)
	noTemporaryFiles(t, d.dir)
}

// A MiniStack that runs but has lost its queue or its bucket is restarted like one that died.
func TestUseQueueIsDeleted(t *testing.T) {
	for _, mode := range []string{"server", "lambda"} {
		t.Run(mode, func(t *testing.T) {
			d := start(t, mode, "ATELIER_SWEEP_EVERY=1s")
			cfg := d.awsConfig()
			q, err := queue.Open(t.Context(), cfg, "atelier")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := sqs.NewFromConfig(cfg).DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: aws.String(q.URL())}); err != nil {
				t.Fatal(err)
			}
			d.output.waitFor(t, regexp.MustCompile(`MiniStack died \(.*there is no such queue`))
			d.output.waitFor(t, regexp.MustCompile(`MiniStack is back`))
			waitFor(t, func() bool { return d.Reaches("/readyz") })
			d.painted(d.submit(apitest.Stripes(t, 320, 240)))
			d.end(os.Interrupt)
		})
	}
}

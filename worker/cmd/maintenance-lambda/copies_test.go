package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/cloudwatch/cloudwatchtest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/lambdatest"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// An execution of DataSync that ends with ERROR is counted once, for an alarm; a successful one is not
// counted.
func TestCopyMetrics(t *testing.T) {
	miniStack, cfg := ministacktest.Start(t)
	to, err := bucket.Create(t.Context(), cfg, "gallery")
	if err == nil {
		_, err = queue.Create(t.Context(), cfg, "jobs")
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		err  error
		want float64
	}{"ERROR": {errors.New("the file server is unavailable"), 1}, "SUCCESS": {nil, 0}} {
		t.Run(name, func(t *testing.T) {
			jobs, err := store.Open(store.Config{Dir: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = jobs.Close() })
			publishPicture(t, jobs)
			service := datasync.NewService(&datasync.Task{From: jobs.PublishedDir(), To: to, Prefix: "pictures/"}, nil, nil)
			t.Cleanup(service.Close)
			service.Before = func(context.Context) error { return c.err }
			address, err := service.Listen()
			if err != nil {
				t.Fatal(err)
			}
			program, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), program)
			cmd.Env = append(miniStack.Environ(), "TEST_AS_FUNCTION=1", "ATELIER_DIR="+jobs.Dir(), "ATELIER_QUEUE=jobs", "ATELIER_BUCKET=gallery",
				"ATELIER_DEPLOYMENT=prod", "ATELIER_DATASYNC_TASK="+service.Reset(), "ATELIER_DATASYNC_ROLE=arn:aws:iam::000000000000:role/manifests",
				"AWS_ENDPOINT_URL_DATASYNC="+address)
			f := lambdatest.Start(t, cmd)
			sweep := func() {
				t.Helper()
				if _, err := f.Invoke(map[string]string{"task": "sweep"}); err != nil {
					t.Fatal(err)
				}
			}
			sweep() // starts an execution
			for deadline := time.Now().Add(time.Minute); !service.Idle(); time.Sleep(5 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatal("the execution does not end")
				}
			}
			sweep() // detects its end
			sweep()
			if sum, _ := cloudwatchtest.Total(cloudwatchtest.Lines(t, f.Log()), "CopiesFailed"); sum != c.want {
				t.Errorf("CopiesFailed is %v in all, want %v:\n%s", sum, c.want, f.Log())
			}
			if c.err == nil && strings.Contains(f.Log(), "CopyDelay") {
				t.Errorf("nothing waits, but CopyDelay was written:\n%s", f.Log())
			}
		})
	}
}

// publishPicture publishes the result of a job.
func publishPicture(t *testing.T, jobs *store.Store) {
	t.Helper()
	id, err := job.NewID()
	if err == nil {
		spec := job.Spec{ID: id, Style: "night-swirls", Strength: 1, Format: "jpeg", CreatedAt: time.Now()}
		err = jobs.Create(&spec, []byte("photograph"), nil)
	}
	var lease *store.Lease
	if err == nil {
		lease, err = jobs.Claim(t.Context(), id, 1, "test")
	}
	if err == nil {
		err = lease.Succeed([]byte("picture"), nil, job.Result{ContentType: "image/jpeg", Width: 3, Height: 2}, job.Receipt{})
	}
	if err != nil {
		t.Fatal(err)
	}
}

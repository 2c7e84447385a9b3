package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/pkg/cloudwatch/cloudwatchtest"
	"github.com/atelier-go/atelier/pkg/lambdatest"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// The test's program also runs as the function. TEST_BUILDS names a folder for programs that tests
// build, which is removed after all tests; a variable, because those tests are in another package.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_FUNCTION") != "" {
		main()
		return
	}
	dir, err := os.MkdirTemp("", "atelier-bin-")
	if err == nil {
		err = os.Setenv("TEST_BUILDS", dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(dir) // a temporary folder
	os.Exit(code)
}

// A cold start sends no request to AWS; each sweep writes its metrics, including the heartbeat.
func TestMetrics(t *testing.T) {
	aws := lambdatest.NewAWS(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"Attributes":{"ApproximateNumberOfMessages":"0","ApproximateNumberOfMessagesNotVisible":"0","ApproximateNumberOfMessagesDelayed":"0"}}`)
	})
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(aws.Environ(), "TEST_AS_FUNCTION=1", "ATELIER_DIR="+t.TempDir(), "ATELIER_QUEUE=http://queue/1/atelier", "ATELIER_BUCKET=pictures", "ATELIER_DEPLOYMENT=prod")
	f := lambdatest.Start(t, cmd)
	if got := aws.Requests(); len(got) != 0 {
		t.Errorf("after the start the requests to AWS are %q", got)
	}
	if _, err := f.Invoke(map[string]string{"task": "sweep"}); err != nil {
		t.Fatal(err)
	}
	lines := cloudwatchtest.Lines(t, f.Log())
	for _, name := range []string{"Sweeps", "SweepDuration", "UnfinishedJobs", "JobsResent", "DeadLetters", "JobsTimedOut", "JobsExpired"} {
		if _, n := cloudwatchtest.Total(lines, name); n != 1 {
			t.Errorf("%s was written %d times:\n%s", name, n, f.Log())
		}
	}
	for _, l := range lines {
		if l.Properties["Service"] != "maintenance" || l.Properties["Deployment"] != "prod" {
			t.Errorf("got %+v", l)
		}
	}
}

// How far the retention is behind is written only while it is.
func TestRetentionBehindMetric(t *testing.T) {
	var log bytes.Buffer
	swept := sweeps(cloudwatch.New(&log, "maintenance", "prod"))
	swept(sweeper.Report{Expired: 3})
	swept(sweeper.Report{Expired: 3, Behind: 2 * time.Hour})
	if ms, n := cloudwatchtest.Total(cloudwatchtest.Lines(t, log.String()), "RetentionBehind"); n != 1 || ms != 2*3600*1000 {
		t.Errorf("it was written %d times, with a total of %v ms:\n%s", n, ms, &log)
	}
}

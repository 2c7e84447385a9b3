package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/decoder/decodertest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/lambdatest"
)

// The test's program also runs as the function; see start.
func TestMain(m *testing.M) {
	if os.Getenv("TEST_AS_FUNCTION") != "" {
		main()
		return
	}
	m.Run()
}

// start starts worker-lambda as a process with the shipped model.
func start(t *testing.T, aws *lambdatest.AWS, settings ...string) *lambdatest.Function {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	model, err := filepath.Abs("../../../model/atelier")
	if err != nil {
		t.Fatal(err)
	}
	decoder, err := decodertest.Program()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program)
	cmd.Env = append(aws.Environ(), "TEST_AS_FUNCTION=1", "ATELIER_DIR="+t.TempDir(), "ATELIER_MODEL="+model, "ATELIER_DECODER="+decoder)
	cmd.Env = append(cmd.Env, settings...)
	return lambdatest.Start(t, cmd)
}

// A cold start sends no request to AWS before the first message.
func TestColdStartSendsNoRequests(t *testing.T) {
	aws := lambdatest.NewAWS(t, nil)
	f := start(t, aws, "ATELIER_QUEUE=atelier")
	if got := aws.Requests(); len(got) != 0 {
		t.Errorf("after the start the requests are %q", got)
	}
	if _, err := f.Invoke(map[string]any{"Records": []any{}}); err != nil {
		t.Fatal(err)
	}
	if got := aws.Requests(); len(got) != 0 {
		t.Errorf("after an empty batch the requests are %q", got)
	}
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	response, err := f.Invoke(events.SQSEvent{Records: []events.SQSMessage{{
		EventSource: "aws:sqs", MessageId: "m", ReceiptHandle: "h", Body: job.Message{Job: id, Run: 1}.Encode(),
	}}})
	if err != nil || !strings.Contains(string(response), `"m"`) {
		t.Errorf("an unknown job: %s, %v", response, err)
	}
	if got := slices.Compact(aws.Requests()); !slices.Equal(got, []string{"AmazonSQS.GetQueueUrl"}) { // to return its message
		t.Errorf("after a job the requests are %q", got)
	}
}

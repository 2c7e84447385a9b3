package main

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/cloudwatch/cloudwatchtest"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/lambdatest"
	"github.com/atelier-go/atelier/pkg/store"
)

// The end of an attempt is logged in one line, with the request that submitted the job, and as metrics.
func TestLogAndMetrics(t *testing.T) {
	aws := lambdatest.NewAWS(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"Attributes":{"ApproximateNumberOfMessages":"0","ApproximateNumberOfMessagesNotVisible":"0","ApproximateNumberOfMessagesDelayed":"0"}}`)
	})
	dir := t.TempDir()
	f := start(t, aws, "ATELIER_QUEUE=http://queue/1/atelier", "ATELIER_DIR="+dir, "ATELIER_DEPLOYMENT=prod")
	good, bad := create(t, dir, pixels(t)), create(t, dir, []byte("no picture"))
	request := "JKJaXmPLvHcESHA="
	var records []events.SQSMessage
	for _, id := range []job.ID{good, bad} {
		records = append(records, events.SQSMessage{
			EventSource: "aws:sqs", MessageId: "m-" + string(id), ReceiptHandle: "h", Body: job.Message{Job: id, Run: 1}.Encode(),
			Attributes:        map[string]string{"ApproximateReceiveCount": "2"},
			MessageAttributes: map[string]events.SQSMessageAttribute{"request_id": {DataType: "String", StringValue: &request}},
		})
	}
	if response, err := f.Invoke(events.SQSEvent{Records: records}); err != nil || string(response) != `{"batchItemFailures":[]}` {
		t.Fatalf("%s, %v\n%s", response, err, f.Log())
	}

	ends := map[string]map[string]any{}
	for line := range strings.Lines(f.Log()) {
		var fields map[string]any
		if !strings.HasPrefix(line, "{") { // the engine's library writes text
			continue
		}
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Errorf("not JSON: %s", line)
		}
		if msg, _ := fields["msg"].(string); msg == "succeeded" || msg == "failed" {
			ends[fields["job"].(string)] = fields
		}
	}
	for id, want := range map[job.ID]string{good: "succeeded", bad: "failed"} {
		end := ends[string(id)]
		if end["msg"] != want || end["request"] != request || end["received"] != 2.0 || end["attempt"] != 1.0 || end["run"] != 1.0 {
			t.Errorf("the line of job %s: %v", id, end)
		}
	}
	for _, name := range []string{"took_ms", "queue_wait_ms", "read_ms", "decode_ms", "stylize_ms", "encode_ms", "write_ms"} {
		if v, _ := ends[string(good)][name].(float64); v <= 0 {
			t.Errorf("%s is %v", name, ends[string(good)][name])
		}
	}

	lines := cloudwatchtest.Lines(t, f.Log())
	for name, want := range map[string]int{
		"JobsSucceeded": 1, "JobsFailed": 1, "ColdStarts": 1, "Decode": 1, "Stylize": 1, "Encode": 1, "QueueWait": 2, "JobsLost": 0,
	} {
		if _, n := cloudwatchtest.Total(lines, name); n != want {
			t.Errorf("%s was written %d times, want %d", name, n, want)
		}
	}
	for _, l := range lines {
		if l.Properties["Service"] != "worker" || l.Properties["Deployment"] != "prod" {
			t.Errorf("got %+v", l)
		}
		if l.Metrics["JobsFailed"] == 1 && (l.Properties["job"] != string(bad) || l.Properties["code"] == nil || l.Properties["request"] != request) {
			t.Errorf("the metrics of the job that failed: %+v", l)
		}
	}
}

// pixels returns a small PNG.
func pixels(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 32, 32))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// create stores a job as the API does, without a check of its picture.
func create(t *testing.T, dir string, picture []byte) job.ID {
	t.Helper()
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	id, err := job.NewID()
	if err != nil {
		t.Fatal(err)
	}
	spec := &job.Spec{
		ID: id, Style: "night-swirls", Strength: 1, Size: 64, Format: "jpeg", Quality: 90,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Input: job.Input{Format: "png", Width: 32, Height: 32},
	}
	if err := s.Create(spec, picture, nil); err != nil {
		t.Fatal(err)
	}
	return id
}

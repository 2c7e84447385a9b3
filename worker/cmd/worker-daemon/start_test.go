package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/lambdatest"
)

// A daemon whose queue does not exist ends at once with an error that says what to do, before it loads
// the model.
func TestMissingQueue(t *testing.T) {
	aws := lambdatest.NewAWS(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.Header().Set("X-Amzn-Query-Error", "AWS.SimpleQueueService.NonExistentQueue;Sender")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"The specified queue does not exist."}`)
	})
	for _, setting := range aws.Environ() {
		if name, value, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
	for _, queue := range []string{"atelier-typo", "http://queue/1/atelier-typo"} {
		err := run(t.Context(), []string{"--dir", t.TempDir(), "--model", "none", "--queue", queue},
			func(string) string { return "" }, io.Discard, io.Discard)
		if err == nil {
			t.Fatal("no error")
		}
		for _, want := range []string{"there is no such queue", "atelier-typo", "us-east-1", "AWS_REGION"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("--queue %s: got %v, want an error with %q", queue, err, want)
			}
		}
	}
}

package queue_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// SQS refuses a receive of more than 10 messages and a poll of over 20 s; MiniStack accepts the poll.
func TestReceiveWithinLimits(t *testing.T) {
	var got struct{ MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout int }
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_ = json.NewDecoder(r.Body).Decode(&got) // the last request is the receive
		_, _ = w.Write([]byte(`{"QueueUrl":"http://queue/1/q","Messages":[]}`))
	}))
	t.Cleanup(server.Close)
	cfg, err := ministack.Config(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	q, err := queue.Open(t.Context(), cfg, "q")
	if err != nil {
		t.Fatal(err)
	}
	for wait, want := range map[time.Duration]int{1500 * time.Millisecond: 2, 20 * time.Second: 20, 21 * time.Second: 20, time.Minute: 20} {
		if _, err := q.Receive(t.Context(), 50, wait, 30*time.Second); err != nil {
			t.Fatal(err)
		}
		if got.MaxNumberOfMessages != 10 || got.WaitTimeSeconds != want || got.VisibilityTimeout != 30 {
			t.Errorf("a poll of %s for 50 messages: requested %+v, want 10 messages and %d s", wait, got, want)
		}
	}
}

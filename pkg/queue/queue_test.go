package queue_test

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

func TestOpen(t *testing.T) {
	t.Parallel()
	_, cfg := ministacktest.Start(t)
	q, err := queue.Create(t.Context(), cfg, "atelier")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("creating it again is no error", func(t *testing.T) {
		if _, err := queue.Create(t.Context(), cfg, "atelier"); err != nil {
			t.Error(err)
		}
	})
	t.Run("it can be opened by name and URL", func(t *testing.T) {
		for _, name := range []string{"atelier", q.URL()} {
			if got, err := queue.Open(t.Context(), cfg, name); err != nil || got.URL() != q.URL() {
				t.Errorf("open %s: %v, %v", name, got, err)
			}
		}
	})
	t.Run("the error for a missing queue names region and endpoint", func(t *testing.T) {
		_, err := queue.Open(t.Context(), cfg, "no-such-queue")
		if !errors.Is(err, queue.ErrNoQueue) {
			t.Fatalf("got %v, want ErrNoQueue", err)
		}
		for _, want := range []string{"no-such-queue", cfg.Region, *cfg.BaseEndpoint, "AWS_REGION", "template"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to mention %s", err, want)
			}
		}
	})
	t.Run("its dead-letter queue is found", func(t *testing.T) {
		dead, err := q.DeadLetterQueue(t.Context())
		if err != nil || !strings.HasSuffix(dead.URL(), "/atelier-dead") {
			t.Fatalf("got %v, %v", dead, err)
		}
		if _, err := dead.DeadLetterQueue(t.Context()); !errors.Is(err, queue.ErrNoDeadLetters) {
			t.Errorf("the dead-letter queue of the dead-letter queue: got %v, want ErrNoDeadLetters", err)
		}
	})
}

func TestUnavailableService(t *testing.T) {
	t.Parallel()
	unavailable, err := ministack.Config(t.Context(), "http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queue.Open(t.Context(), unavailable, "atelier"); err == nil || errors.Is(err, queue.ErrNoQueue) {
		t.Errorf("got %v, want an error other than ErrNoQueue", err)
	}
}

func TestDeadQueueName(t *testing.T) {
	if got, err := queue.DeadLetterQueueName(`{"deadLetterTargetArn":"arn:aws-cn:sqs:cn-north-1:123456789012:a-dead","maxReceiveCount":10}`); err != nil || got != "a-dead" {
		t.Errorf("got %q, %v; want a-dead", got, err)
	}
	for _, bad := range []string{"{", "{}", `{"deadLetterTargetArn":"a-dead"}`, `{"deadLetterTargetArn":"arn:aws:sns:r:1:topic"}`, `{"deadLetterTargetArn":"arn:aws:sqs:r:1:"}`} {
		if got, err := queue.DeadLetterQueueName(bad); err == nil || !strings.Contains(err.Error(), "RedrivePolicy") {
			t.Errorf("%s: got %q, %v; want an error that names the policy", bad, got, err)
		}
	}
}

// Emulators refuse no single message of a batch, and their responses are complete.
func TestIncompleteResponses(t *testing.T) {
	t.Run("messages that the response does not confirm are reported as unsent", func(t *testing.T) {
		var ms []job.Message
		for range 12 {
			id, err := job.NewID()
			if err != nil {
				t.Fatal(err)
			}
			ms = append(ms, job.Message{Job: id, Run: 1})
		}
		calls := 0
		q := scriptedQueue(t, func(w http.ResponseWriter, bodies []string) {
			calls++
			if calls == 2 {
				w.WriteHeader(http.StatusBadRequest) // the second batch, of two
				_, _ = w.Write([]byte(`{"__type":"com.amazonaws.sqs#OverLimit","message":"full"}`))
				return
			}
			// Entry 0 is refused, entry 1 is missing, the others are sent.
			_ = json.NewEncoder(w).Encode(map[string]any{
				"Failed":     []any{map[string]any{"Id": "0", "Code": "InternalError", "SenderFault": false, "Message": "try again"}},
				"Successful": successes(bodies, 2),
			})
		})
		err := q.SendAll(t.Context(), ms)
		var unsent *queue.UnsentError
		if !errors.As(err, &unsent) {
			t.Fatalf("got %v, want an UnsentError", err)
		}
		if want := []job.Message{ms[0], ms[1], ms[10], ms[11]}; !slices.Equal(unsent.Messages, want) {
			t.Errorf("got %v, want %v", unsent.Messages, want)
		}
		for _, want := range []string{"4 of 12", string(ms[0].Job), string(ms[11].Job), "try again"} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want it to mention %s", err, want)
			}
		}
	})
	t.Run("a depth without counts is an error, not 0", func(t *testing.T) {
		q := scriptedQueue(t, func(w http.ResponseWriter, _ []string) { _, _ = w.Write([]byte("{}")) })
		if d, err := q.Depth(t.Context()); err == nil {
			t.Errorf("got %+v, want an error", d)
		}
	})
}

// scriptedQueue returns a queue whose service responds by a function, which gets the bodies of the
// request's messages.
func scriptedQueue(t *testing.T, respond func(w http.ResponseWriter, bodies []string)) *queue.Queue {
	t.Helper()
	resolved := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if !resolved { // the request of Open
			resolved = true
			_, _ = w.Write([]byte(`{"QueueUrl":"http://queue/1/q"}`))
			return
		}
		var request struct {
			Entries []struct{ MessageBody string }
		}
		_ = json.NewDecoder(r.Body).Decode(&request)
		var bodies []string
		for _, e := range request.Entries {
			bodies = append(bodies, e.MessageBody)
		}
		respond(w, bodies)
	}))
	t.Cleanup(server.Close)
	cfg, err := ministack.Config(t.Context(), server.URL)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	q, err := queue.Open(t.Context(), cfg, "q")
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// successes returns the successful entries of a batch's response, beginning at an index.
func successes(bodies []string, from int) (entries []any) {
	for i := from; i < len(bodies); i++ {
		sum := md5.Sum([]byte(bodies[i]))
		entries = append(entries, map[string]any{
			"Id": string(rune('0' + i)), "MessageId": "m", "MD5OfMessageBody": hex.EncodeToString(sum[:]),
		})
	}
	return entries
}

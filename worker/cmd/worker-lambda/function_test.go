package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/worker"
)

func TestOnlyBatchesOfSQSAreAccepted(t *testing.T) {
	for name, c := range map[string]struct{ event, response, err string }{
		"a batch":              {`{"Records":[{"eventSource":"aws:sqs","messageId":"a","body":"x"}]}`, `{"batchItemFailures":[{"itemIdentifier":"a"}]}`, ""},
		"an empty batch":       {`{"Records":[]}`, `{"batchItemFailures":[]}`, ""},
		"a schedule":           {`{"source":"aws.events","detail-type":"Scheduled Event","detail":{}}`, "", "takes events of SQS"},
		"another source":       {`{"source":"aws.s3"}`, "", "not \"{"},
		"another queue's kind": {`{"Records":[{"eventSource":"aws:s3"}]}`, "", "takes events of SQS"},
		"nothing":              {`{}`, "", "takes events of SQS"},
		"no object":            {`"ping"`, "", "takes events of SQS"},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFunction(failAll)
			r, err := f.invoke(t.Context(), json.RawMessage(c.event))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("got %v, want an error with %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := io.ReadAll(r); string(b) != c.response {
				t.Errorf("got %s, want %s", b, c.response)
			}
		})
	}
}

func failAll(_ context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
	r := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range e.Records {
		r.BatchItemFailures = append(r.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
	}
	return r, nil
}

// platform serves Lambda's runtime API with one event, and returns a channel for the response. It is
// never closed, because aws-lambda-go then ends the process.
func platform(t *testing.T, event string) (responses chan string) {
	t.Helper()
	events := make(chan string, 1)
	events <- event
	responses = make(chan string, 1)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case e := <-events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", "4102444800000")
			fmt.Fprint(w, e)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/response", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		responses <- string(b)
		w.WriteHeader(http.StatusAccepted)
	})
	t.Setenv("AWS_LAMBDA_RUNTIME_API", strings.TrimPrefix(httptest.NewServer(mux).URL, "http://"))
	return responses
}

// After a stuck engine the process ends, but only once the response is sent.
func TestStuckProcessEndsAfterItsResponse(t *testing.T) {
	responses := platform(t, `{"Records":[{"eventSource":"aws:sqs","messageId":"a"}]}`)
	f := newFunction(func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		r, _ := failAll(ctx, e)
		return r, fmt.Errorf("handle: %w", worker.ErrStuck)
	})
	if err := f.serve(t.Context(), false); !errors.Is(err, worker.ErrStuck) {
		t.Fatal(err)
	}
	select {
	case got := <-responses:
		if got != `{"batchItemFailures":[{"itemIdentifier":"a"}]}` {
			t.Errorf("the response is %s", got)
		}
	default:
		t.Error("it ended without a response")
	}
}

// SIGTERM ends the context: jobs are given back, the response is sent, and serve returns.
func TestServeEndsAfterSIGTERM(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	responses := platform(t, `{"Records":[{"eventSource":"aws:sqs","messageId":"a"}]}`)
	f := newFunction(func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		cancel()
		<-ctx.Done()
		return failAll(ctx, e)
	})
	if err := f.serve(ctx, false); err != nil {
		t.Fatal(err)
	}
	if len(responses) != 1 {
		t.Error("it ended without a response")
	}
}

// Events that the runtime receives at the same time, because AWS_LAMBDA_MAX_CONCURRENCY allows it, are
// handled at the same time.
func TestConcurrentEvents(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	const concurrent = 3
	arrived, all := make(chan struct{}, concurrent), make(chan struct{})
	f := newFunction(func(ctx context.Context, e events.SQSEvent) (events.SQSEventResponse, error) {
		arrived <- struct{}{}
		select {
		case <-all:
		case <-ctx.Done():
		}
		r, _ := failAll(ctx, e)
		return r, ctx.Err()
	})
	errs := make(chan error, concurrent)
	for range concurrent {
		go func() {
			r, err := f.invoke(ctx, json.RawMessage(`{"Records":[]}`))
			if err == nil {
				err = r.Close()
			}
			errs <- err
		}()
	}
	for range concurrent {
		select {
		case <-arrived:
		case <-ctx.Done():
			t.Fatal("an event waits for the end of another")
		}
	}
	close(all)
	for range concurrent {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

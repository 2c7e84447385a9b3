package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"github.com/atelier-go/atelier/worker"
)

// stopTimeout is how long invocations may take to give back their jobs after SIGTERM. Two seconds
// after the signal, Lambda kills the process.
const stopTimeout = 1500 * time.Millisecond

// A function handles SQS events: one at a time, or as many at the same time as
// AWS_LAMBDA_MAX_CONCURRENCY says.
type function struct {
	batch func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

	busy  sync.RWMutex // read-locked from an event's arrival until its response is sent
	stuck chan error   // receives the error of an event that found the engine stuck, once the response is sent
}

func newFunction(batch func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)) *function {
	return &function{batch: batch, stuck: make(chan error, lambdacontext.MaxConcurrency())}
}

// serve handles events until ctx ends. If the engine is stuck, it returns an error. extensions
// reports whether the platform has Lambda's extension API; Lambda sends SIGTERM only to programs
// that have registered there.
func (f *function) serve(ctx context.Context, extensions bool) error {
	options := []lambda.Option{lambda.WithContext(ctx)} // SIGTERM: give back what is being painted
	if extensions {
		options = append(options, lambda.WithEnableSIGTERM())
	}
	go lambda.StartWithOptions(f.invoke, options...) // never returns; it ends the process when the platform closes the connection
	select {
	case err := <-f.stuck:
		return err
	case <-ctx.Done():
	}
	idle := make(chan struct{})
	go func() { f.busy.Lock(); close(idle) }()
	select {
	case <-idle:
		return nil
	case <-time.After(stopTimeout):
		return errors.New("stop: the running job goes to another worker when its lease expires")
	}
}

// invoke handles one event. aws-lambda-go closes the returned reader after it has sent the
// response.
func (f *function) invoke(ctx context.Context, payload json.RawMessage) (io.ReadCloser, error) {
	f.busy.RLock()
	result, err := f.handle(ctx, payload)
	if err != nil && !errors.Is(err, worker.ErrStuck) {
		f.busy.RUnlock()
		return nil, err
	}
	b, jerr := json.Marshal(result)
	if jerr != nil {
		f.busy.RUnlock()
		return nil, jerr
	}
	return &response{bytes.NewReader(b), func() {
		f.busy.RUnlock()
		if err != nil { // the process ends only now, so that the response is not lost
			f.stuck <- err
			select {} // no further event for this process
		}
	}}, nil
}

// A response is the JSON of a response. aws-lambda-go sends a reader's content unchanged, and
// closes it afterwards.
type response struct {
	r    io.Reader
	sent func()
}

func (r *response) Read(p []byte) (int, error) { return r.r.Read(p) }

// ContentType returns the media type of the response, which aws-lambda-go asks for.
func (r *response) ContentType() string { return "application/json" }

// Close is called when the response was sent, or could not be sent.
func (r *response) Close() error { r.sent(); return nil }

// handle handles a batch of SQS messages. Any other event is an error.
func (f *function) handle(ctx context.Context, payload json.RawMessage) (any, error) {
	var e struct {
		Records []events.SQSMessage `json:"Records"`
	}
	if err := json.Unmarshal(payload, &e); err != nil || e.Records == nil {
		return nil, unexpected(payload)
	}
	for _, r := range e.Records {
		if r.EventSource != "aws:sqs" {
			return nil, unexpected(payload)
		}
	}
	return f.batch(ctx, events.SQSEvent{Records: e.Records})
}

func unexpected(payload []byte) error {
	return fmt.Errorf("this function takes events of SQS (Records, each with eventSource aws:sqs), not %.200q", payload)
}

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

// lastSteps is how long an invocation may take to end after SIGTERM: its job is
// given back meanwhile. Lambda kills the process two seconds after the signal.
const lastSteps = 1500 * time.Millisecond

// A function answers the events that its trigger sends: one at a time, or as many at once as
// AWS_LAMBDA_MAX_CONCURRENCY allows.
type function struct {
	batch func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)

	busy  sync.RWMutex // read-locked from an event's arrival until its answer is sent
	stuck chan error   // the answer to an event after which the process is no good
}

func newFunction(batch func(context.Context, events.SQSEvent) (events.SQSEventResponse, error)) *function {
	return &function{batch: batch, stuck: make(chan error, lambdacontext.MaxConcurrency())}
}

// serve takes events from Lambda until ctx ends, or the engine is stuck.
// extensions says whether the platform has Lambda's extension API, without a
// client of which it sends no SIGTERM.
func (f *function) serve(ctx context.Context, extensions bool) error {
	options := []lambda.Option{lambda.WithContext(ctx)} // SIGTERM: give back what is being painted
	if extensions {
		options = append(options, lambda.WithEnableSIGTERM())
	}
	go lambda.StartWithOptions(f.invoke, options...) // never returns; when the platform goes away it ends the process
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
	case <-time.After(lastSteps):
		return errors.New("stop: the job in work goes to another worker when its lease runs out")
	}
}

// invoke answers one event. The reader that it returns is closed when Lambda
// has the answer.
func (f *function) invoke(ctx context.Context, payload json.RawMessage) (io.ReadCloser, error) {
	f.busy.RLock()
	response, err := f.handle(ctx, payload)
	if err != nil && !errors.Is(err, worker.ErrStuck) {
		f.busy.RUnlock()
		return nil, err
	}
	b, jerr := json.Marshal(response)
	if jerr != nil {
		f.busy.RUnlock()
		return nil, jerr
	}
	return &answer{bytes.NewReader(b), func() {
		f.busy.RUnlock()
		if err != nil { // so that what the response says of the other jobs is not lost
			f.stuck <- err
			select {} // no further event for this process
		}
	}}, nil
}

// An answer is what aws-lambda-go sends as it is and closes once it is sent.
type answer struct {
	r    io.Reader
	sent func()
}

func (a *answer) Read(p []byte) (int, error) { return a.r.Read(p) }

// ContentType is what the answer is, for aws-lambda-go.
func (a *answer) ContentType() string { return "application/json" }

// Close is called when the answer has been sent, or could not be.
func (a *answer) Close() error { a.sent(); return nil }

// handle refuses what is no batch of SQS.
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

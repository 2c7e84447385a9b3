package worker

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/job"
)

// An extender is the queue as HandleSQS needs it: the event source mapping
// receives and deletes.
type extender interface {
	Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error
}

// HandleSQS handles a batch that an event source mapping with
// ReportBatchItemFailures delivers. What is to be delivered again is handed
// back to the queue and named in the response.
func (w *Worker) HandleSQS(ctx context.Context, q extender, e events.SQSEvent) (events.SQSEventResponse, error) {
	var mu sync.Mutex
	resp := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}} // null would break the mapping
	var stuck error
	var batch sync.WaitGroup
	for _, r := range e.Records {
		batch.Go(func() {
			n, _ := strconv.Atoi(r.Attributes["ApproximateReceiveCount"]) // 0 where absent
			err := w.deliverRecord(ctx, q, job.Delivery{ID: r.MessageId, Body: r.Body, Received: n, Handle: r.ReceiptHandle})
			if err == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			resp.BatchItemFailures = append(resp.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: r.MessageId})
			if errors.Is(err, ErrStuck) {
				stuck = err
			}
		})
	}
	batch.Wait()
	return resp, stuck
}

func (w *Worker) deliverRecord(ctx context.Context, q extender, d job.Delivery) error {
	m, err := job.DecodeMessage(d.Body)
	if err != nil {
		w.Log.Error("not a job message", "message", d.ID, "error", err)
		return err
	}
	visible := noReceive{q}
	term := w.Store.Lease()
	if err := q.Extend(ctx, d, term); err != nil {
		w.Log.Warn("a message was not hidden for the lease", "message", d.ID, "error", err)
	}
	held, stop := w.hide(ctx, visible, d, term)
	err = w.Handle(held, m)
	stop()
	if err != nil {
		again := retryIn(d.Received)
		w.Log.Warn("will be tried again", "job", m.Job, "error", err, "in", again)
		w.handBack(ctx, visible, d, again)
	}
	return err
}

// noReceive is a source of which only Extend is used.
type noReceive struct{ extender }

// Receive and Delete are the event source mapping's.
func (noReceive) Receive(context.Context, int, time.Duration, time.Duration) ([]job.Delivery, error) {
	return nil, errors.ErrUnsupported
}

// Delete is not called.
func (noReceive) Delete(context.Context, job.Delivery) error { return errors.ErrUnsupported }

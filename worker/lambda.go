package worker

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/job"
)

// responseReserve is how long before the function's deadline its work ends, so that jobs are given
// back before the process may be killed. That takes some file operations for each job, a call of
// the queue, and the response: 0.2 s normally, more if store and queue are slow. A function with a
// short timeout reserves a tenth of it instead.
const responseReserve = 2 * time.Second

// HandleSQS handles a batch of an event source mapping that accepts partial batch responses
// (ReportBatchItemFailures): messages that the response does not list as failed are deleted. As many
// records are processed at the same time as by [Worker.Poll] with its default configuration.
//
// Shortly before ctx's deadline every unfinished job is given back. The attempt counts only if its
// run of the engine took more than half of the function's time. Messages that are listed as failed
// become visible soon; otherwise they would be hidden for the queue's whole visibility timeout,
// which is six times the function's. HandleSQS returns before the deadline even if the store or the
// queue don't respond.
//
// An error wraps [ErrStuck]. The response is valid nevertheless; the process must end once it is
// sent.
func (w *Worker) HandleSQS(ctx context.Context, q extender, e events.SQSEvent) (events.SQSEventResponse, error) {
	work, calls, cancel := deadlines(ctx)
	defer cancel()
	done := w.processBatch(work, calls, q, e.Records)
	response := events.SQSEventResponse{BatchItemFailures: failures(e.Records, done)}
	if err := w.stuck.error(); err != nil {
		return response, fmt.Errorf("handle a batch: %w", err)
	}
	return response, nil
}

// processBatch processes the records of a batch at the same time. The attempts end with the context
// work, the calls of the queue with the context calls. done reports for each record whether its
// message can be deleted, as far as this is known when calls ends.
func (w *Worker) processBatch(work, calls context.Context, q extender, records []events.SQSMessage) (done []bool) {
	type result struct {
		record int
		done   bool
	}
	results := make(chan result, len(records)) // late ones are not received
	slots := make(chan struct{}, 2*w.cfg.Concurrent)
	if len(records) > 1 {
		w.setMaxClaims(cap(slots))
	}
	go func() {
		for i, m := range records { // the last ones wait, in the order of the batch
			err := acquireSlot(work, w.stuck.ch, slots)
			go func() {
				d := deliveryOf(m)
				if err == nil {
					err = w.process(work, w.stuck.ch, d)
					<-slots
				}
				if err != nil {
					ctx, cancel := context.WithTimeout(calls, callTimeout)
					w.returnMessage(ctx, q, d, err)
					cancel()
				}
				results <- result{i, err == nil}
			}()
		}
	}()
	done = make([]bool, len(records))
	for range records {
		select {
		case r := <-results:
			done[r.record] = r.done
		case <-calls.Done():
			return done
		}
	}
	return done
}

// deadlines returns the contexts for the attempts of a batch and for the calls of the queue, both
// of which end before ctx does. If ctx has no deadline, the attempts end when ctx does.
func deadlines(ctx context.Context) (work, calls context.Context, cancel func()) {
	calls = context.WithoutCancel(ctx)
	end, ok := ctx.Deadline()
	if !ok {
		return ctx, calls, func() {}
	}
	left := max(time.Until(end), 0)
	reserved := min(responseReserve, left/10)
	work, cancelWork := context.WithDeadlineCause(ctx, end.Add(-reserved), timeUp{left - reserved})
	calls, cancelCalls := context.WithDeadline(calls, end.Add(-reserved/4))
	return work, calls, func() { cancelWork(); cancelCalls() }
}

// deliveryOf returns a record as a delivery of the queue.
func deliveryOf(m events.SQSMessage) job.Delivery {
	n, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 if absent
	d := job.Delivery{ID: m.MessageId, Body: m.Body, Received: n, Handle: m.ReceiptHandle}
	if id := m.MessageAttributes["request_id"].StringValue; id != nil { // set by pkg/queue
		d.Request = *id
	}
	return d
}

// failures returns the messages that are not done, each once. The list is never nil, because the
// event source mapping delivers the whole batch again if it is null.
func failures(records []events.SQSMessage, done []bool) []events.SQSBatchItemFailure {
	failed := []events.SQSBatchItemFailure{}
	listed := map[string]bool{}
	for i, m := range records {
		if !done[i] && !listed[m.MessageId] {
			listed[m.MessageId] = true
			failed = append(failed, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return failed
}

package worker

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"github.com/atelier-go/atelier/pkg/job"
)

// answerReserve is how long before a function's deadline its work ends, so that
// jobs are given back in order instead of with the death of the process: some file
// operations a job, a call of the queue, and the answer, which take 0.2 s when all
// is well, on a store and a queue that are not. A function of a short time gives
// a tenth of it.
const answerReserve = 2 * time.Second

// HandleSQS handles a batch of an event source mapping that takes partial batch
// responses (ReportBatchItemFailures): what it does not name as failed is
// deleted. Records are handled side by side, as many as [Worker.Poll] would by
// default.
//
// Shortly before ctx's deadline every unfinished job is given back. The attempt
// counts only where the job alone used up most of the function's time. Whatever
// is named as failed has been made visible soon, since it would otherwise be
// hidden for the queue's whole visibility timeout, six times the function's.
// HandleSQS returns before the deadline even if the store or the queue hang.
//
// An error wraps [ErrStuck]. The answer is good nevertheless; once it is given
// the process must end.
func (w *Worker) HandleSQS(ctx context.Context, q extender, e events.SQSEvent) (events.SQSEventResponse, error) {
	work, last, cancel := deadlines(ctx)
	defer cancel()
	type outcome struct {
		record int
		done   bool
	}
	outcomes := make(chan outcome, len(e.Records)) // nobody waits for one that comes too late
	slots := make(chan struct{}, 2*w.Concurrent)
	if len(e.Records) > 1 {
		w.claims.Store(int32(cap(slots))) //nolint:gosec // some dozens
	}
	go func() {
		for i, m := range e.Records { // in the order of the batch, so that the last ones are late
			err := acquire(work, w.stuck, slots)
			go func() {
				d := delivered(m)
				if err == nil {
					err = w.attend(work, w.stuck, d)
					<-slots
				}
				if err != nil {
					ctx, cancel := context.WithTimeout(last, callTimeout)
					w.handBack(ctx, q, d, err)
					cancel()
				}
				outcomes <- outcome{i, err == nil}
			}()
		}
	}()

	done := make([]bool, len(e.Records))
wait:
	for range e.Records {
		select {
		case o := <-outcomes:
			done[o.record] = o.done
		case <-last.Done():
			break wait
		}
	}
	response := events.SQSEventResponse{BatchItemFailures: failures(e.Records, done)}
	if w.stuck.Err() != nil {
		return response, fmt.Errorf("handle a batch: %w", context.Cause(w.stuck))
	}
	return response, nil
}

// deadlines are that of the work and that of all calls, from a function's ctx.
// Without a deadline the work ends when ctx is cancelled.
func deadlines(ctx context.Context) (work, last context.Context, cancel func()) {
	last = context.WithoutCancel(ctx)
	end, ok := ctx.Deadline()
	if !ok {
		return ctx, last, func() {}
	}
	left := max(time.Until(end), 0)
	reserve := min(answerReserve, left/10)
	work, cancelWork := context.WithDeadlineCause(ctx, end.Add(-reserve), timeUp{left - reserve})
	last, cancelLast := context.WithDeadline(last, end.Add(-reserve/4))
	return work, last, func() { cancelWork(); cancelLast() }
}

// delivered is a record as a queue's delivery.
func delivered(m events.SQSMessage) job.Delivery {
	n, _ := strconv.Atoi(m.Attributes["ApproximateReceiveCount"]) // 0 where absent
	d := job.Delivery{ID: m.MessageId, Body: m.Body, Received: n, Handle: m.ReceiptHandle}
	if id := m.MessageAttributes["request_id"].StringValue; id != nil { // as pkg/queue sends it
		d.Request = *id
	}
	return d
}

// failures names each message that is not done with, once. It is never nil,
// because null as the list makes the mapping deliver the whole batch again.
func failures(records []events.SQSMessage, done []bool) []events.SQSBatchItemFailure {
	failed := []events.SQSBatchItemFailure{}
	named := map[string]bool{}
	for i, m := range records {
		if !done[i] && !named[m.MessageId] {
			named[m.MessageId] = true
			failed = append(failed, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
		}
	}
	return failed
}

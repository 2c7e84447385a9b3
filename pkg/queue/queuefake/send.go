package queuefake

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
)

// SQS's bounds.
const (
	maxBody  = 1 << 20 // bytes
	maxDelay = 15 * time.Minute
)

// Send is as that of [queue.Queue].
func (q *Queue) Send(ctx context.Context, m job.Message) error {
	if err := q.SendRaw(ctx, m.Encode(), 0); err != nil {
		return fmt.Errorf("send job %s: %w", m.Job, err)
	}
	return nil
}

// SendRaw sends any body, which can be received when delay is over.
func (q *Queue) SendRaw(ctx context.Context, body string, delay time.Duration) error {
	if body == "" || len(body) > maxBody {
		return fmt.Errorf("a body of %d bytes: 1 to %d are taken", len(body), maxBody)
	}
	if delay < 0 || delay > maxDelay {
		return fmt.Errorf("a delay of %s: at most %s is taken", delay, maxDelay)
	}
	return q.do(ctx, Send, func(now time.Time) error {
		q.put(body, now, delay)
		return nil
	})
}

// SendAll is as that of [queue.Queue]. Faults of SendAll strike whole batches,
// those of Send single messages.
func (q *Queue) SendAll(ctx context.Context, ms []job.Message) error {
	unsent := &queue.UnsentError{Of: len(ms)}
	for start := 0; start < len(ms); start += queue.MaxBatch {
		batch := ms[start:min(start+queue.MaxBatch, len(ms))]
		err := q.do(ctx, SendAll, func(now time.Time) error {
			for _, m := range batch {
				err := q.strike(Send, func() error { q.put(m.Encode(), now, 0); return nil })
				if err != nil {
					unsent.Messages, unsent.Reason = append(unsent.Messages, m), err
				}
			}
			return nil
		})
		if err != nil {
			unsent.Messages, unsent.Reason = append(unsent.Messages, ms[start:]...), err
			break
		}
	}
	if len(unsent.Messages) == 0 {
		return nil
	}
	return unsent
}

// put adds a message, and perhaps its double.
func (q *Queue) put(body string, now time.Time, delay time.Duration) {
	id := "message-" + strconv.FormatUint(q.shelf.last+1, 10)
	copies := 1
	if q.chance(q.config.Faults.Duplicate) {
		copies = 2
	}
	for range copies {
		late := delay
		if q.chance(q.config.Faults.Delay) {
			late += time.Duration(q.random.Float64() * float64(q.config.Faults.DelayUpTo))
		}
		q.add(&message{id: id, body: body}, now, late)
	}
}

func (q *Queue) add(m *message, now time.Time, delay time.Duration) {
	q.shelf.add(m, now, delay)
	if delay <= 0 {
		q.waiting.wake(1)
	}
}

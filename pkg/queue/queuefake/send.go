package queuefake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
)

// Limits of SQS.
const (
	maxBody  = 1 << 20 // bytes
	maxDelay = 15 * time.Minute
)

// Send is like the method of [queue.Queue].
func (q *Queue) Send(ctx context.Context, m job.Message) error {
	err := q.call(ctx, Send, func(now time.Time) error {
		q.insert(messageOf(m), now, 0)
		return nil
	})
	if err != nil {
		return fmt.Errorf("send job %s: %w", m.Job, err)
	}
	return nil
}

// A RawMessage is a message with any body, as a service receives it.
type RawMessage struct {
	Body           string
	Group, Request string        // as in [job.Message]
	Delay          time.Duration // time until it can be received
}

// SendRaw sends any body, which can be received after delay.
func (q *Queue) SendRaw(ctx context.Context, body string, delay time.Duration) error {
	return q.SendMessage(ctx, RawMessage{Body: body, Delay: delay})
}

// SendMessage sends a message with any content. If SQS would refuse it, the error wraps
// [ErrInvalid].
func (q *Queue) SendMessage(ctx context.Context, m RawMessage) error {
	if m.Body == "" || len(m.Body) > maxBody {
		return fmt.Errorf("%w: a body of %d bytes: 1 to %d are allowed", ErrInvalid, len(m.Body), maxBody)
	}
	if m.Delay < 0 || m.Delay > maxDelay {
		return fmt.Errorf("%w: a delay of %s: at most %s is allowed", ErrInvalid, m.Delay, maxDelay)
	}
	return q.call(ctx, Send, func(now time.Time) error {
		q.insert(message{body: m.Body, group: m.Group, request: m.Request}, now, m.Delay)
		return nil
	})
}

// ErrInvalid is wrapped by the errors of invalid calls.
var ErrInvalid = errors.New("invalid call")

// SendAll is like the method of [queue.Queue]. Faults of the call SendAll apply to whole batches,
// those of Send to single messages.
func (q *Queue) SendAll(ctx context.Context, ms []job.Message) error {
	var unsent []job.Message
	var reason error
	for start := 0; start < len(ms); start += queue.MaxBatch {
		batch := ms[start:min(start+queue.MaxBatch, len(ms))]
		var refused []job.Message
		err := q.call(ctx, SendAll, func(now time.Time) error {
			refused = q.insertAll(batch, now)
			return nil
		})
		if err != nil {
			// If the response was lost the batch is in the queue, which its sender can't know.
			unsent, reason = append(unsent, ms[start:]...), err
			break
		}
		unsent = append(unsent, refused...)
	}
	if len(unsent) == 0 {
		return nil
	}
	if reason == nil {
		reason = ErrFault
	}
	return &queue.UnsentError{Messages: unsent, Of: len(ms), Reason: reason}
}

// insertAll adds messages, and returns those that a fault of the call Send refused.
func (q *Queue) insertAll(ms []job.Message, now time.Time) (refused []job.Message) {
	for _, m := range ms {
		err := q.withFaults(Send, func() error { q.insert(messageOf(m), now, 0); return nil })
		if err != nil {
			refused = append(refused, m)
		}
	}
	return refused
}

func messageOf(m job.Message) message {
	return message{body: m.Encode(), group: m.Group, request: m.Request}
}

// insert adds a message, and adds it a second time if the faults include a duplicate.
func (q *Queue) insert(m message, now time.Time, delay time.Duration) {
	m.id = "message-" + strconv.FormatUint(q.messages.last+1, 10)
	copies := 1
	if q.chance(q.config.Faults.Duplicate) {
		copies = 2
	}
	for range copies {
		hidden := delay
		if q.chance(q.config.Faults.Delay) {
			hidden += time.Duration(q.random.Float64() * float64(q.config.Faults.DelayUpTo))
		}
		same := m
		q.add(&same, now, hidden)
	}
}

func (q *Queue) add(m *message, now time.Time, delay time.Duration) {
	q.messages.add(m, now, delay)
	if delay <= 0 {
		q.waiting.wake(1)
	}
}

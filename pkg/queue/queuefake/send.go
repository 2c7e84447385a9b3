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

// SQS's bounds.
const (
	maxBody  = 1 << 20 // bytes
	maxDelay = 15 * time.Minute
)

// Send is as that of [queue.Queue].
func (q *Queue) Send(ctx context.Context, m job.Message) error {
	err := q.do(ctx, Send, func(now time.Time) error {
		q.put(of(m), now, 0)
		return nil
	})
	if err != nil {
		return fmt.Errorf("send job %s: %w", m.Job, err)
	}
	return nil
}

// A Raw message is one as a service gets it: any body, with what comes beside it.
type Raw struct {
	Body           string
	Group, Request string        // as of [job.Message]
	Delay          time.Duration // how long it can't be received yet
}

// SendRaw sends any body, which can be received when delay is over.
func (q *Queue) SendRaw(ctx context.Context, body string, delay time.Duration) error {
	return q.SendAny(ctx, Raw{Body: body, Delay: delay})
}

// SendAny sends a message of anybody. It refuses what SQS refuses, with an error that wraps [ErrInvalid].
func (q *Queue) SendAny(ctx context.Context, m Raw) error {
	if m.Body == "" || len(m.Body) > maxBody {
		return fmt.Errorf("%w: a body of %d bytes: 1 to %d are taken", ErrInvalid, len(m.Body), maxBody)
	}
	if m.Delay < 0 || m.Delay > maxDelay {
		return fmt.Errorf("%w: a delay of %s: at most %s is taken", ErrInvalid, m.Delay, maxDelay)
	}
	return q.do(ctx, Send, func(now time.Time) error {
		q.put(message{body: m.Body, group: m.Group, request: m.Request}, now, m.Delay)
		return nil
	})
}

// ErrInvalid is of a call that no queue takes.
var ErrInvalid = errors.New("invalid")

// SendAll is as that of [queue.Queue]. Faults of SendAll strike whole batches,
// those of Send single messages.
func (q *Queue) SendAll(ctx context.Context, ms []job.Message) error {
	var unsent []job.Message
	var reason error
	for start := 0; start < len(ms); start += queue.MaxBatch {
		batch := ms[start:min(start+queue.MaxBatch, len(ms))]
		var refused []job.Message
		err := q.do(ctx, SendAll, func(now time.Time) error {
			refused = q.putAll(batch, now)
			return nil
		})
		if err != nil {
			// Where the answer was lost the batch is in the queue; its sender can't know.
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

// putAll answers the messages that faults of Send struck.
func (q *Queue) putAll(ms []job.Message, now time.Time) (refused []job.Message) {
	for _, m := range ms {
		err := q.strike(Send, func() error { q.put(of(m), now, 0); return nil })
		if err != nil {
			refused = append(refused, m)
		}
	}
	return refused
}

func of(m job.Message) message {
	return message{body: m.Encode(), group: m.Group, request: m.Request}
}

// put adds a message, and perhaps its double.
func (q *Queue) put(m message, now time.Time, delay time.Duration) {
	m.id = "message-" + strconv.FormatUint(q.shelf.last+1, 10)
	copies := 1
	if q.chance(q.config.Faults.Duplicate) {
		copies = 2
	}
	for range copies {
		late := delay
		if q.chance(q.config.Faults.Delay) {
			late += time.Duration(q.random.Float64() * float64(q.config.Faults.DelayUpTo))
		}
		same := m
		q.add(&same, now, late)
	}
}

func (q *Queue) add(m *message, now time.Time, delay time.Duration) {
	q.shelf.add(m, now, delay)
	if delay <= 0 {
		q.waiting.wake(1)
	}
}

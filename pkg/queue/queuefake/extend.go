package queuefake

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// maxVisibility is SQS's limit.
const maxVisibility = 12 * time.Hour

// ErrNotInFlight is returned for a delivery that no longer hides its message.
var ErrNotInFlight = errors.New("the message is not in flight under this handle: it was deleted, is visible again or was received again")

// Extend is like the method of [queue.Queue], but does not round times. It returns [ErrNotInFlight]
// if the delivery no longer hides its message.
func (q *Queue) Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error {
	err := q.call(ctx, Extend, func(now time.Time) error {
		m := q.find(d.Handle)
		switch {
		case visibility < 0 || visibility > maxVisibility:
			return fmt.Errorf("%w: a visibility of %s: at most %s is allowed", ErrInvalid, visibility, maxVisibility)
		case m == nil || m.element != nil:
			return ErrNotInFlight
		case visibility == 0:
			q.messages.show(m)
			q.waiting.wake(1)
		default:
			q.messages.hide(m, now.Add(visibility))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("extend message %s: %w", d.ID, err)
	}
	return nil
}

// Delete is like the method of [queue.Queue]. For a stale handle it does nothing.
func (q *Queue) Delete(ctx context.Context, d job.Delivery) error {
	err := q.call(ctx, Delete, func(time.Time) error {
		m := q.find(d.Handle)
		if m != nil && !q.chance(q.config.Faults.LostDelete) {
			q.messages.remove(m)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete message %s: %w", d.ID, err)
	}
	return nil
}

// handle returns the receipt handle of the latest receive. The next receive makes it stale.
func (m *message) handle() string {
	return strconv.FormatUint(m.number, 10) + "/" + strconv.Itoa(m.receives)
}

// find returns the message that was received with this handle, and not received again since; nil if
// there is none.
func (q *Queue) find(handle string) *message {
	number, _, _ := strings.Cut(handle, "/")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return nil
	}
	if m := q.messages.all[n]; m != nil && m.handle() == handle {
		return m
	}
	return nil
}

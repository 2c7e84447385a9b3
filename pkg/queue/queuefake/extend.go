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

// maxVisibility is SQS's bound.
const maxVisibility = 12 * time.Hour

// ErrNotInFlight is of a message that a delivery does not hide any more.
var ErrNotInFlight = errors.New("the message is not in flight by this handle: it was deleted, is visible again or was received by another")

// Extend is as that of [queue.Queue], with times as they are. It refuses a
// message that this delivery does not hide any more.
func (q *Queue) Extend(ctx context.Context, d job.Delivery, visibility time.Duration) error {
	err := q.do(ctx, Extend, func(now time.Time) error {
		m := q.find(d.Handle)
		switch {
		case visibility < 0 || visibility > maxVisibility:
			return fmt.Errorf("%w: a visibility of %s: at most %s is taken", ErrInvalid, visibility, maxVisibility)
		case m == nil || m.visible != nil:
			return ErrNotInFlight
		case visibility == 0:
			q.shelf.show(m)
			q.waiting.wake(1)
		default:
			q.shelf.hide(m, now.Add(visibility))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("extend message %s: %w", d.ID, err)
	}
	return nil
}

// Delete is as that of [queue.Queue]. By a stale handle it does nothing.
func (q *Queue) Delete(ctx context.Context, d job.Delivery) error {
	err := q.do(ctx, Delete, func(time.Time) error {
		m := q.find(d.Handle)
		if m != nil && !q.chance(q.config.Faults.LostDelete) {
			q.shelf.remove(m)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("delete message %s: %w", d.ID, err)
	}
	return nil
}

// handle names the latest receipt of a message: the next one makes it stale.
func (m *message) handle() string {
	return strconv.FormatUint(m.number, 10) + "/" + strconv.Itoa(m.received)
}

// find is the message whose latest receipt has this handle, or nil.
func (q *Queue) find(handle string) *message {
	number, _, _ := strings.Cut(handle, "/")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return nil
	}
	if m := q.shelf.all[n]; m != nil && m.handle() == handle {
		return m
	}
	return nil
}

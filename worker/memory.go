package worker

import (
	"context"
	"fmt"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"github.com/atelier-go/atelier/pkg/job"
)

// A budget is the memory that pictures in work may take together, by what is known
// of them beforehand. Who comes first gets first, so that a large picture is not
// kept waiting by small ones for ever.
type budget struct {
	bytes int64
	free  *semaphore.Weighted
}

// A share is a picture's part of the budget. It goes back once all who hold it
// have let go.
type share struct {
	budget  *budget
	bytes   int64
	holders atomic.Int32
}

// take waits for a picture's share, unless the job may not go on. What is more than
// all of it would end the process, and its neighbours' work: it is a failure.
func (b *budget) take(ctx, stop context.Context, bytes int64) (*share, error) {
	s := &share{budget: b, bytes: bytes}
	s.holders.Store(1)
	if b.bytes == 0 {
		return s, nil
	}
	if bytes > b.bytes {
		return nil, &job.Failure{Code: job.CodeTooLarge, Message: fmt.Sprintf(
			"painting it takes %d MB, and the worker has %d MB for pictures: ask for a smaller size", bytes>>20, b.bytes>>20)}
	}
	wait, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(stop, cancel)()
	if err := b.free.Acquire(wait, bytes); err != nil {
		return nil, ended(ctx, stop)
	}
	if err := ended(ctx, stop); err != nil { // at the same moment
		s.leave()
		return nil, err
	}
	return s, nil
}

// stay is called by a holder who leaves something behind that needs the memory:
// it has a leave of its own.
func (s *share) stay() { s.holders.Add(1) }

func (s *share) leave() {
	if s.holders.Add(-1) == 0 && s.budget.bytes > 0 {
		s.budget.free.Release(s.bytes)
	}
}

// Package sweeping opens the sweeper for the programs that run one.
package sweeping

import (
	"context"
	"errors"
	"log/slog"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// New returns a sweeper of a store and a queue, and of the queue's dead-letter queue if it has one.
// If the queue does not exist it returns an error. swept is as in [sweeper.Config].
func New(ctx context.Context, times sweeper.Times, jobs *store.Store, q *queue.Queue, swept func(sweeper.Report), log *slog.Logger) (*sweeper.Sweeper, error) {
	cfg := sweeper.Config{Store: jobs, Queue: q, Times: times, Swept: swept, Log: log}
	switch dead, err := q.DeadLetterQueue(ctx); {
	case err == nil:
		cfg.Dead = dead
	case errors.Is(err, queue.ErrNoDeadLetters):
		log.Warn("without a dead-letter queue, messages that can't be processed are not noticed", "error", err)
	default:
		return nil, err
	}
	return sweeper.New(cfg)
}

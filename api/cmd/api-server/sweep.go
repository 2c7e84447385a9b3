package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
	"github.com/atelier-go/atelier/pkg/sweeper/sweepermetrics"
)

// newSweeper returns the sweeper. It runs here too, because jobs over the maximum age must be ended
// even if there are no workers.
func newSweeper(ctx context.Context, times sweeper.Times, jobs *store.Store, q *queue.Queue, metrics *sweepermetrics.Metrics, log *slog.Logger) (*sweeper.Sweeper, error) {
	cfg := sweeper.Config{Store: jobs, Queue: q, Times: times, Swept: metrics.Swept, Log: log}
	dead, err := q.DeadLetterQueue(ctx)
	switch {
	case err == nil:
		cfg.Dead = dead
	case errors.Is(err, queue.ErrNoDeadLetters):
		log.Warn("without a dead-letter queue, messages that can't be processed are not noticed", "error", err)
	default:
		return nil, err
	}
	return sweeper.New(cfg)
}

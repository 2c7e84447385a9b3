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

// newSweeper wires the sweeper, which runs here too: where all workers are gone
// somebody must still end what gets too old.
func newSweeper(ctx context.Context, times sweeper.Times, jobs *store.Store, q *queue.Queue, metrics *sweepermetrics.Metrics, log *slog.Logger) (*sweeper.Sweeper, error) {
	cfg := sweeper.Config{Store: jobs, Queue: q, Times: times, Swept: metrics.Swept, Log: log}
	dead, err := q.Dead(ctx)
	switch {
	case err == nil:
		cfg.Dead = dead
	case errors.Is(err, queue.ErrNoDeadLetters):
		log.Warn("what the queue gives up will not be noticed", "error", err)
	default:
		return nil, err
	}
	return sweeper.New(cfg)
}

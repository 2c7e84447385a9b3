// Package wiring opens what the programs share, from plain configurations: the store, the queue and
// the sweeper. Programs with a bucket use withbucket, which does the same and opens the bucket too,
// so that the others don't link the client of S3.
package wiring

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/pkg/awsconfig"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
)

// Config says what to open.
type Config struct {
	Store store.Config
	Queue string      // its name or URL
	AWS   *aws.Config // nil is the SDK's own settings
	// Check makes a request, so that a missing queue is an error of Open. Otherwise Open sends none, and
	// errors of the queue's settings are returned at its first use.
	Check bool
	Log   *slog.Logger
}

// Parts are the parts of a program that are open.
type Parts struct {
	AWS   aws.Config
	Store *store.Store
	Queue *queue.Queue

	log *slog.Logger
}

// Open opens the store and the queue. The caller closes the store; after an error of Open the program
// must end.
func Open(ctx context.Context, cfg Config) (*Parts, error) {
	p := &Parts{log: cfg.Log}
	var err error
	if cfg.AWS != nil {
		p.AWS = *cfg.AWS
	} else if p.AWS, err = awsconfig.Load(ctx); err != nil {
		return nil, err
	}
	if p.Store, err = store.Open(cfg.Store); err != nil {
		return nil, err
	}
	if !cfg.Check {
		p.Queue = queue.New(p.AWS, cfg.Queue)
		return p, nil
	}
	p.Queue, err = queue.Open(ctx, p.AWS, cfg.Queue)
	return p, err
}

// Sweeper returns a sweeper, with the queue's dead-letter queue if it has one. A missing queue is an
// error. swept is as in [sweeper.Config].
func (p *Parts) Sweeper(ctx context.Context, times sweeper.Times, swept func(sweeper.Report)) (*sweeper.Sweeper, error) {
	cfg := sweeper.Config{Store: p.Store, Queue: p.Queue, Times: times, Swept: swept, Log: p.log}
	switch dead, err := p.Queue.DeadLetterQueue(ctx); {
	case err == nil:
		cfg.Dead = dead
	case errors.Is(err, queue.ErrNoDeadLetters):
		p.log.Warn("the queue has no dead-letter queue: messages that it gives up are lost", "error", err)
	default:
		return nil, err
	}
	return sweeper.New(cfg)
}

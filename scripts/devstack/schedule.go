package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

// sweepEvery is the sweeper's setting, by which the schedule goes too.
const sweepEvery = "ATELIER_SWEEP_EVERY"

// A schedule stands in for EventBridge, which MiniStack is not asked for: once a
// minute, or whatever the sweeper is set to, it has the worker function sweep.
type schedule struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startSchedule logs what goes wrong to a file: the next minute is another try.
func startSchedule(ctx context.Context, locked ministack.Locked, logs string) (*schedule, error) {
	f, err := os.OpenFile(filepath.Join(logs, "schedule.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	cfg, err := locked.Config(ctx)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // until stop
	s := &schedule{cancel: cancel}
	s.done.Go(func() {
		defer f.Close()
		s.run(ctx, lambda.NewFromConfig(cfg), slog.New(slog.NewTextHandler(f, nil)))
	})
	return s, nil
}

func (s *schedule) run(ctx context.Context, client *lambda.Client, log *slog.Logger) {
	every, err := time.ParseDuration(os.Getenv(sweepEvery))
	if err != nil || every <= 0 { // the function says what is wrong with it
		every = time.Minute
	}
	minute := time.NewTicker(every)
	defer minute.Stop()
	for {
		var now time.Time
		select {
		case <-ctx.Done():
			return
		case now = <-minute.C:
		}
		event := map[string]any{
			"version": "0", "source": "aws.events", "detail-type": "Scheduled Event", "detail": map[string]any{},
			"account": ministack.Account, "region": ministack.Region, "time": now.UTC().Format(time.RFC3339),
		}
		if err := invoke(ctx, client, workerFunction, event); err != nil && ctx.Err() == nil {
			log.Warn("the sweep failed", "error", err)
		}
	}
}

// stop ends the schedule and waits for it.
func (s *schedule) stop() {
	s.cancel()
	s.done.Wait()
}

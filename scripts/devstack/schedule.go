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

// A schedule emulates EventBridge Scheduler, because MiniStack's is not used: it invokes the
// maintenance function as often as the sweeper has to sweep or pictures have to be copied, which on
// AWS is once a minute.
type schedule struct {
	cancel context.CancelFunc
	done   sync.WaitGroup
}

// startSchedule starts the schedule. Failures are logged to a file, and the next invocation is a
// retry. sweeps is the sweeper's setting for its interval. copyEvery is 0 if nothing is copied.
func startSchedule(ctx context.Context, locked ministack.Locked, logs, sweeps string, copyEvery time.Duration) (*schedule, error) {
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
		s.run(ctx, sweeps, copyEvery, lambda.NewFromConfig(cfg), slog.New(slog.NewTextHandler(f, nil)))
	})
	return s, nil
}

func (s *schedule) run(ctx context.Context, sweeps string, copyEvery time.Duration, client *lambda.Client, log *slog.Logger) {
	every, err := time.ParseDuration(sweeps)
	if err != nil || every <= 0 { // the function reports the invalid value
		every = time.Minute
	}
	if copyEvery > 0 {
		every = min(every, copyEvery)
	}
	pause := every
	for {
		next := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			next.Stop()
			return
		case <-next.C:
		}
		began := time.Now()
		if err := invoke(ctx, client, maintenanceFunction, map[string]string{"task": "sweep"}); err != nil && ctx.Err() == nil {
			log.Warn("the sweep failed; the next one continues", "error", err)
		}
		pause = max(every, min(rest*time.Since(began), longest)) // like the mirror's
	}
}

// stop ends the schedule and waits for it.
func (s *schedule) stop() {
	s.cancel()
	s.done.Wait()
}

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime/debug"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/cmd/internal/keys"
	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/pkg/logs"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
	"github.com/atelier-go/atelier/pkg/sweeper/sweepermetrics"
	"github.com/atelier-go/atelier/pkg/wiring"
	"github.com/atelier-go/atelier/pkg/wiring/withbucket"
)

type serveCommand struct {
	commandline.API `embed:""`

	Listen string       `default:"127.0.0.1:8080" env:"ATELIER_LISTEN" help:"Address and port to listen on; without --keys a loopback address."`
	Keys   keys.Setting `env:"ATELIER_KEYS" help:"Require API keys. The list has one line for each key, as keygen writes it, and is ${keys}. It is read again when it changes (a file at the next request, the others within 10 s; a variable never); an invalid line is then ignored." placeholder:"PLACE"`

	Connections int `default:"2048" env:"ATELIER_CONNECTIONS" help:"Largest number of connections to this server process; one more closes the one that has been idle longest."`

	Logging             commandline.Logging `embed:""`
	commandline.Workers `embed:""`
	commandline.Shares  `embed:""`
	commandline.Quotas  `embed:""`
	commandline.Times   `embed:""`
}

// Validate checks the flags; kong calls it.
func (s *serveCommand) Validate() error {
	if s.Connections <= s.Requests {
		return fmt.Errorf("--connections of %d must be greater than --requests of %d, because each request has a connection", s.Connections, s.Requests)
	}
	return errors.Join((*api.Workers)(&s.Workers).Validate(), (*api.Shares)(&s.Shares).Validate(), store.Quotas(s.Quotas).Validate(), sweeper.Times(s.Times).Validate())
}

// besidesUploads is the memory of the process, in bytes, in addition to that for submissions: 30 MB
// after the start, and a reserve for connections, responses and garbage.
const besidesUploads = 160 << 20

// boundMemory sets a memory limit for the garbage collector. Without it, the garbage of submissions
// could double the memory that they use before it is collected. GOMEMLIMIT overrides it.
func (s *serveCommand) boundMemory() {
	if debug.SetMemoryLimit(-1) == math.MaxInt64 {
		debug.SetMemoryLimit(int64(s.UploadMemory)<<20 + besidesUploads)
	}
}

// Run serves until ctx ends.
func (s *serveCommand) Run(ctx context.Context, p process) error {
	s.boundMemory()
	log := logs.New(s.Logging.Format, p.stderr)
	cfg := api.Config{Version: commandline.Version(), Workers: api.Workers(s.Workers), Shares: api.Shares(s.Shares), Log: log}
	var err error
	if s.Keys != "" {
		if cfg.Keys, err = (keys.Opener{Getenv: p.getenv, Log: log}).Open(ctx, s.Keys); err != nil {
			return err
		}
	}
	parts, err := withbucket.Open(ctx, withbucket.Config{Bucket: s.Bucket, Config: wiring.Config{
		Store: store.Config{Dir: s.Dir, Quotas: store.Quotas(s.Quotas)}, Queue: s.Queue, Check: true, Log: log,
	}})
	if err != nil {
		return err
	}
	if parts.Gallery != nil {
		cfg.Copies, cfg.Uploads = parts.Gallery, parts.Uploads
	}
	sweeps := sweepermetrics.New()
	cfg.Store, cfg.Queue, cfg.Depth, cfg.Collectors = parts.Store, parts.Queue, parts.Queue, []prometheus.Collector{sweeps}
	handler, err := api.New(cfg)
	if err != nil {
		return err
	}
	listener, err := listen(s.Listen, cfg.Keys != nil, log)
	if err != nil {
		return err
	}
	// It sweeps here too, because jobs over the maximum age must be ended even if there are no workers.
	sweep, err := parts.Sweeper(ctx, sweeper.Times(s.Times), sweeps.Swept)
	if err != nil {
		return err
	}
	defer sweep.Start(ctx)()
	if cfg.Keys != nil {
		defer background(ctx, cfg.Keys.Watch)()
	}
	log.Info("ready", "address", "http://"+listener.Addr().String(), "version", cfg.Version, "dir", parts.Store.Dir(), "queue", parts.Queue.URL(), "bucket", s.Bucket, "keys", cfg.Keys != nil)
	return serve(ctx, listener, handler, s.Connections, handler.EndWaits)
}

// background runs f until ctx ends or stop is called. stop waits until f has returned.
func background(ctx context.Context, f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { f(ctx) })
	return func() { cancel(); done.Wait() }
}

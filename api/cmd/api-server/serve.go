package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime/debug"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/cmd/internal/flags"
	"github.com/atelier-go/atelier/api/cmd/internal/keys"
	"github.com/atelier-go/atelier/pkg/awsconfig"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/logs"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
	"github.com/atelier-go/atelier/pkg/sweeper/sweepermetrics"
	"github.com/atelier-go/atelier/pkg/uploads"
)

type serveCommand struct {
	Dir    string       `required:"" env:"ATELIER_DIR" help:"The shared directory, where jobs are kept." placeholder:"DIR"`
	Queue  string       `default:"atelier" env:"ATELIER_QUEUE" help:"Name or URL of the SQS queue."`
	Bucket string       `env:"ATELIER_BUCKET" help:"S3 bucket with copies, below pictures/, of the shared directory's published/: clients get links to them, and erased jobs are erased there too. Clients store large pictures below its uploads/." placeholder:"NAME"`
	Listen string       `default:"127.0.0.1:8080" env:"ATELIER_LISTEN" help:"Address and port to listen on; without --keys a loopback address."`
	Keys   keys.Setting `env:"ATELIER_KEYS" help:"Require API keys. The list has one line for each key, as keygen writes it, and is ${keys}. It is read again when it changes (a file at the next request, the others within 10 s; a variable never); an invalid line is then ignored." placeholder:"PLACE"`

	Connections int `default:"2048" env:"ATELIER_CONNECTIONS" help:"Largest number of connections to this server process; one more closes the one that has been idle longest."`

	Logging       logs.Settings `embed:""`
	flags.Workers `embed:""`
	flags.Shares  `embed:""`
	store.Quotas  `embed:""`
	sweeper.Times `embed:""`
}

// Validate checks the flags; kong calls it.
func (s *serveCommand) Validate() error {
	if s.Connections <= s.Requests {
		return fmt.Errorf("--connections of %d must be greater than --requests of %d, because each request has a connection", s.Connections, s.Requests)
	}
	return errors.Join(s.Workers.Validate(), s.Shares.Validate(), s.Quotas.Validate(), s.Times.Validate())
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
func (s *serveCommand) Run(ctx context.Context, out output) error {
	s.boundMemory()
	log := s.Logging.New(out.stderr)
	cfg := api.Config{Version: version(), Workers: s.Workers.Config(), Shares: s.Shares.Config(), Log: log}
	var err error
	if s.Keys != "" {
		if cfg.Keys, err = (keys.Opener{Getenv: os.Getenv, Log: log}).Open(ctx, s.Keys); err != nil {
			return err
		}
	}
	aws, err := awsconfig.Load(ctx)
	if err != nil {
		return err
	}
	jobs := store.Config{Dir: s.Dir, Quotas: s.Quotas}
	if s.Bucket != "" {
		published, err := gallery.Open(ctx, aws, s.Bucket, log)
		if err != nil {
			return err
		}
		cfg.Copies, cfg.Uploads, jobs.Unpublish = published, uploads.New(published.Bucket()), published.Unpublish
	}
	if cfg.Store, err = store.Open(jobs); err != nil {
		return err
	}
	q, err := queue.Open(ctx, aws, s.Queue)
	if err != nil {
		return err
	}
	sweeps := sweepermetrics.New()
	cfg.Queue, cfg.Depth, cfg.Collectors = q, q, []prometheus.Collector{sweeps}
	handler, err := api.New(cfg)
	if err != nil {
		return err
	}
	listener, err := listen(s.Listen, cfg.Keys != nil, log)
	if err != nil {
		return err
	}
	sweep, err := newSweeper(ctx, s.Times, cfg.Store, q, sweeps, log)
	if err != nil {
		return err
	}
	defer sweep.Start(ctx)()
	if cfg.Keys != nil {
		defer background(ctx, cfg.Keys.Watch)()
	}
	log.Info("ready", "address", "http://"+listener.Addr().String(), "dir", cfg.Store.Dir(), "queue", q.URL(), "bucket", s.Bucket, "keys", cfg.Keys != nil)
	return serve(ctx, listener, handler, s.Connections, handler.EndWaits)
}

// background runs f until ctx ends or stop is called. stop waits until f has returned.
func background(ctx context.Context, f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { f(ctx) })
	return func() { cancel(); done.Wait() }
}

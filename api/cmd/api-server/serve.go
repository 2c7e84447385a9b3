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
	Bucket string       `env:"ATELIER_BUCKET" help:"S3 bucket below whose pictures/ there are copies of the shared directory's published/: results are answered by links to them, and what is erased is erased there too. Below its uploads/ clients put pictures that are large." placeholder:"NAME"`
	Listen string       `default:"127.0.0.1:8080" env:"ATELIER_LISTEN" help:"Address and port to listen on; without --keys a loopback address."`
	Keys   keys.Setting `env:"ATELIER_KEYS" help:"Ask for API keys, a line for each as keygen writes it, in ${keys}. They are read again when they change (a file at the next request, the others within 10 s; a variable never); a line that is wrong then admits nobody." placeholder:"PLACE"`

	Connections int `default:"2048" env:"ATELIER_CONNECTIONS" help:"Connections to this server process at the same time; one more closes the one that has been longest without a request."`

	Logging       logs.Settings `embed:""`
	flags.Workers `embed:""`
	flags.Shares  `embed:""`
	store.Quotas  `embed:""`
	sweeper.Times `embed:""`
}

// Validate is called by kong once the flags are read.
func (s *serveCommand) Validate() error {
	if s.Connections <= s.Requests {
		return fmt.Errorf("--connections of %d must be more than --requests of %d, each of which has one", s.Connections, s.Requests)
	}
	return errors.Join(s.Workers.Validate(), s.Shares.Validate(), s.Quotas.Validate(), s.Times.Validate())
}

// besidesUploads is what the process takes besides the memory for submissions: 30 MB to
// start with, and the rest for connections, answers and garbage.
const besidesUploads = 160 << 20

// boundMemory has the garbage of submissions collected before it is as much again as
// they are. Who sets GOMEMLIMIT has decided otherwise.
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
		shown, err := gallery.Open(ctx, aws, s.Bucket, log)
		if err != nil {
			return err
		}
		cfg.Copies, cfg.Uploads, jobs.Unpublish = shown, uploads.New(shown.Bucket()), shown.Unpublish
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

// background runs f until ctx ends or the function that it returns is called, which
// waits for it.
func background(ctx context.Context, f func(context.Context)) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { f(ctx) })
	return func() { cancel(); done.Wait() }
}

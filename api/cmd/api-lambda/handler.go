package main

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/cmd/internal/keys"
	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/awsconfig"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/uploads"
)

// maxWait is the longest time for which a request can wait with ?wait. It is short, because a
// function that waits is paid for.
const maxWait = 5 * time.Second

// newHandler returns the handler of the API.
//
// It sends no request to AWS: queue, bucket and keys are first used when a request needs them.
func newHandler(ctx context.Context, s settings, getenv func(string) string, log *slog.Logger) (http.Handler, error) {
	var ring *keyring.Ring
	if s.Keys != "" {
		var err error
		if ring, err = (keys.Opener{Getenv: getenv, Log: log, Lazy: true}).Open(ctx, s.Keys); err != nil {
			return nil, err
		}
	}
	aws, err := awsconfig.Load(ctx)
	if err != nil {
		return nil, err
	}
	cfg := api.Config{Keys: ring, Version: version(), Workers: s.Workers.Config(), Shares: s.Shares.Config(), MaxWait: maxWait, MaxPicture: maxPicture, Log: log}
	storeConfig := store.Config{Dir: s.Dir, Quotas: s.Quotas}
	if s.Bucket != "" {
		published := gallery.New(bucket.New(aws, s.Bucket))
		cfg.Copies, cfg.Uploads, storeConfig.Unpublish = published, uploads.New(published.Bucket()), published.Unpublish
	}
	jobs, err := store.Open(storeConfig)
	if err != nil {
		return nil, err
	}
	cfg.Store, cfg.Queue = jobs, queue.New(aws, s.Queue)
	handler, err := api.New(cfg)
	if err != nil {
		return nil, err
	}
	log.Info("ready", "dir", jobs.Dir(), "queue", s.Queue, "bucket", s.Bucket, "keys", ring != nil)
	return handler, nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

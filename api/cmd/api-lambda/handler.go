package main

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/cmd/internal/keys"
	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/commandline"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/wiring"
	"github.com/atelier-go/atelier/pkg/wiring/withbucket"
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
	parts, err := withbucket.Open(ctx, withbucket.Config{Bucket: s.Bucket, Config: wiring.Config{
		Store: store.Config{Dir: s.Dir, Quotas: store.Quotas(s.Quotas)}, Queue: s.Queue, Log: log,
	}})
	if err != nil {
		return nil, err
	}
	cfg := api.Config{
		Store: parts.Store, Queue: parts.Queue, Keys: ring, Version: commandline.Version(), Workers: api.Workers(s.Workers), Shares: api.Shares(s.Shares),
		MaxWait: maxWait, MaxPicture: maxPicture, Log: log,
	}
	if parts.Gallery != nil {
		cfg.Copies, cfg.Uploads = parts.Gallery, parts.Uploads
	}
	handler, err := api.New(cfg)
	if err != nil {
		return nil, err
	}
	log.Info("ready", "version", cfg.Version, "dir", parts.Store.Dir(), "queue", s.Queue, "bucket", s.Bucket, "keys", ring != nil)
	return handler, nil
}

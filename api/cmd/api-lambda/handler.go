package main

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/uploads"
)

// maxWait is the longest ?wait: a waiting function is paid for.
const maxWait = 5 * time.Second

// newHandler opens what the settings name and answers the API on it.
func newHandler(ctx context.Context, s settings, log *slog.Logger) (http.Handler, error) {
	var keys *keyring.Ring
	if s.Keys != "" {
		var err error
		if keys, err = keyring.Open(s.Keys, log); err != nil {
			return nil, err
		}
	}
	aws, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, err
	}
	cfg := api.Config{Keys: keys, Version: version(), Workers: s.Workers, Shares: s.Shares, MaxWait: maxWait, MaxPicture: maxPicture, Log: log}
	at := store.Config{Dir: s.Dir, Quotas: s.Quotas}
	if s.Bucket != "" {
		shown, err := gallery.Open(ctx, aws, s.Bucket, log)
		if err != nil {
			return nil, err
		}
		cfg.Copies, cfg.Uploads, at.Unpublish = shown, uploads.New(shown.Bucket()), shown.Unpublish
	}
	jobs, err := store.Open(at)
	if err != nil {
		return nil, err
	}
	q, err := queue.Open(ctx, aws, s.Queue)
	if err != nil {
		return nil, err
	}
	cfg.Store, cfg.Queue = jobs, q
	handler, err := api.New(cfg)
	if err != nil {
		return nil, err
	}
	log.Info("ready", "dir", jobs.Dir(), "queue", q.URL(), "bucket", s.Bucket, "keys", keys != nil)
	return handler, nil
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "devel"
}

package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
	"github.com/atelier-go/atelier/worker/cmd/internal/sweeping"
)

// errNoBucket means that an event needs the bucket, but the settings name none.
var errNoBucket = errors.New("there is no bucket: set ATELIER_BUCKET")

// open returns the function. It sends no request to AWS. What it opens is never closed, because the
// process ends with its environment.
func open(s settings, cfg aws.Config, log *slog.Logger, metrics *cloudwatch.Writer) (*function, error) {
	var shown *gallery.Gallery
	jobs := store.Config{Dir: s.Dir}
	if s.Bucket != "" {
		shown = gallery.New(bucket.New(cfg, s.Bucket))
		jobs.Unpublish = shown.Unpublish
	}
	st, err := store.Open(jobs)
	if err != nil {
		return nil, err
	}
	q := queue.New(cfg, s.Queue)
	var sweep *sweeper.Sweeper // opened by the first sweep; sweeps don't overlap
	sweepOnce := func(ctx context.Context) (err error) {
		if sweep == nil {
			if sweep, err = sweeping.New(ctx, s.Times, st, q, sweeps(metrics), log); err != nil {
				return err
			}
		}
		return sweep.Sweep(ctx)
	}
	update := func(ctx context.Context, c datasync.Change) error {
		if shown == nil {
			return errNoBucket
		}
		var changed int
		var err error
		if c.All {
			changed, err = shown.Update(ctx, st)
		} else {
			changed, err = shown.UpdateFolders(ctx, st, gallery.FoldersOf(c.Folders))
		}
		if changed > 0 {
			log.Info("updated the gallery", "manifests", changed)
		}
		return err
	}
	copyNew, copied := func(context.Context) error { return nil }, func(ctx context.Context, _ string) error { return update(ctx, datasync.Change{All: true}) }
	if s.Task != "" {
		c, err := datasync.New(datasync.Config{
			Task: s.Task, Role: s.Role, AWS: cfg, Store: st, Bucket: bucket.New(cfg, s.Bucket), Prefix: gallery.Pictures,
			Update: update, Report: copies(metrics), Log: log,
		})
		if err != nil {
			return nil, err
		}
		copyNew, copied = c.Step, c.Ended
	}
	install := func(context.Context) error { return errNoPayload }
	if s.Payload != "" {
		i, err := newInstaller(cfg, s.Payload, s.Dir, log)
		if err != nil {
			return nil, err
		}
		install = i.install
	}
	return &function{
		tasks: map[string]func(context.Context) error{
			"install": install,
			"verify":  func(ctx context.Context) error { return verify(ctx, s.Dir, log) },
			"sweep":   func(ctx context.Context) error { return errors.Join(sweepOnce(ctx), copyNew(ctx)) },
			"gallery": func(ctx context.Context) error {
				if shown == nil {
					return errNoBucket
				}
				return errors.Join(shown.PutPage(ctx, api.GallerySite()), update(ctx, datasync.Change{All: true}))
			},
		},
		pair:   func(ctx context.Context, name string) error { return verifyPair(ctx, s.Dir, name, s.Environment, log) },
		copied: copied,
	}, nil
}

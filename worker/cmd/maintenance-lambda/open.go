package main

import (
	"context"
	"errors"
	"log/slog"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/cloudwatch"
	"github.com/atelier-go/atelier/pkg/datasync"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/sweeper"
	"github.com/atelier-go/atelier/pkg/wiring"
	"github.com/atelier-go/atelier/pkg/wiring/withbucket"
)

// errNoBucket means that an event needs the bucket, but the settings name none.
var errNoBucket = errors.New("there is no bucket: set ATELIER_BUCKET")

// open returns the function without a request to AWS. Nothing is closed, because the process ends with
// the function's environment.
func open(ctx context.Context, s settings, log *slog.Logger, metrics *cloudwatch.Writer) (*function, error) {
	parts, err := withbucket.Open(ctx, withbucket.Config{Bucket: s.Bucket, Config: wiring.Config{
		Store: store.Config{Dir: s.Dir}, Queue: s.Queue, Log: log,
	}})
	if err != nil {
		return nil, err
	}
	st, shown := parts.Store, parts.Gallery
	var sweep *sweeper.Sweeper // opened by the first sweep; sweeps don't overlap
	sweepOnce := func(ctx context.Context) (err error) {
		if sweep == nil {
			if sweep, err = parts.Sweeper(ctx, sweeper.Times(s.Times), sweeps(metrics)); err != nil {
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
			Task: s.Task, Role: s.Role, AWS: parts.AWS, Store: st, Bucket: shown.Bucket(), Prefix: gallery.Pictures,
			Update: update, Report: copies(metrics), Log: log,
		})
		if err != nil {
			return nil, err
		}
		copyNew, copied = c.Step, c.Ended
	}
	install := func(context.Context) error { return errNoPayload }
	if s.Payload != "" {
		i, err := newInstaller(parts.AWS, s.Payload, s.Dir, log)
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

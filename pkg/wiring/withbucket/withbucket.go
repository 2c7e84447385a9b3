// Package withbucket opens what package wiring opens, and the bucket.
package withbucket

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/uploads"
	"github.com/atelier-go/atelier/pkg/wiring"
)

// Config says what to open.
type Config struct {
	wiring.Config        // Check is also for the bucket
	Bucket        string // its name; "" opens none
}

// Parts are the parts of a program that are open. Gallery and Uploads are nil without a bucket.
type Parts struct {
	*wiring.Parts
	Gallery *gallery.Gallery
	Uploads *uploads.Uploads
}

// Open opens the store, the queue and the bucket. What the store erases is erased in the bucket too.
func Open(ctx context.Context, cfg Config) (p *Parts, err error) {
	p = new(Parts)
	if cfg.Bucket != "" {
		cfg.Store.Unpublish = func(names []string) error { return p.Gallery.Unpublish(names) } // which is opened below
	}
	if p.Parts, err = wiring.Open(ctx, cfg.Config); err != nil || cfg.Bucket == "" {
		return p, err
	}
	b := bucket.New(p.AWS, cfg.Bucket)
	p.Gallery, p.Uploads = gallery.New(b), uploads.New(b)
	if cfg.Check {
		err = check(ctx, b, cfg.Log)
	}
	return p, err
}

// checkTimeout bounds the request to the bucket.
const checkTimeout = 5 * time.Second

// check returns an error if the bucket does not exist. If S3 is unavailable it only logs that, because
// programs can work without the bucket for a while.
func check(ctx context.Context, b *bucket.Bucket, log *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	err := b.Check(ctx)
	if errors.Is(err, bucket.ErrUnavailable) {
		log.Warn("the bucket is unavailable; starting without it, and trying again when it is needed", "error", err)
		return nil
	}
	return err
}

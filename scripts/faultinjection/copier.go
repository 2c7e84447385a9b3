//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
)

// A copier copies published pictures to the bucket and then updates the gallery, as DataSync and the function that is
// invoked after each of its executions do on AWS.
type copier struct {
	store   *store.Store
	gallery *gallery.Gallery
	task    *datasync.Task
	log     io.Writer

	seen datasync.Mark // taken by the last round that succeeded
	due  bool          // the gallery must be updated

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// newCopier starts a copier that makes a round every second. The caller closes it.
func newCopier(dir string, b *bucket.Bucket, log io.Writer) (*copier, error) {
	st, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		return nil, err
	}
	c := &copier{store: st, gallery: gallery.New(b), log: log}
	c.task = &datasync.Task{From: st.PublishedDir(), To: b, Prefix: gallery.Pictures, CacheControl: gallery.CacheControl}
	ctx, cancel := context.WithCancel(context.Background())
	c.cancel = cancel
	c.done.Go(func() {
		for pause(ctx, time.Second) == nil {
			if err := c.round(ctx); err != nil {
				fmt.Fprintf(c.log, "-- copying failed; the next round continues: %v\n", err)
			}
		}
	})
	return c, nil
}

// round copies what has changed, and then updates the gallery. It does nothing if nothing has changed since the last
// round that succeeded.
func (c *copier) round(ctx context.Context) error {
	mark, err := c.task.TakeMark()
	if err != nil || mark != "" && mark == c.seen && !c.due {
		return err
	}
	report, err := c.task.Run(ctx)
	c.due = c.due || report.Changed() || err != nil // a run that failed can have changed something
	if c.due {
		_, uerr := c.gallery.Update(ctx, c.store)
		c.due = uerr != nil
		err = errors.Join(err, uerr)
	}
	if err == nil {
		c.seen = mark
	}
	return err
}

// end ends the rounds. It may be called twice.
func (c *copier) end() {
	c.cancel()
	c.done.Wait()
}

// finish ends the rounds and makes a last one, even if nothing seems to have changed.
func (c *copier) finish(ctx context.Context) error {
	c.end()
	c.seen, c.due = "", true
	return c.round(ctx)
}

func (c *copier) close() {
	c.end()
	_ = c.store.Close() // it was only read
}

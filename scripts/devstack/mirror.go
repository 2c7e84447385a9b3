package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/gallery"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/wiring"
	"github.com/atelier-go/atelier/pkg/wiring/withbucket"
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

const bucketName = "atelier"

// A mirror copies published pictures to the bucket and then updates the gallery, like DataSync and
// the event at the end of its executions on AWS. With functions, the maintenance function does
// this, and the mirror only prepares the bucket.
type mirror struct {
	task    *datasync.Task
	gallery *gallery.Gallery
	store   *store.Store
	tell    func(string, ...any)
	log     *slog.Logger

	copier *copier // used by the functions; nil without functions, when rounds copy

	mu   sync.Mutex    // one round at a time
	seen datasync.Mark // after the last successful round
	due  bool          // the gallery must be updated

	cancel context.CancelFunc
	done   sync.WaitGroup
	file   *os.File
}

// newMirror opens the shared directory. It copies only after start.
func newMirror(ctx context.Context, locked ministack.Locked, shared, logs string, tell func(string, ...any)) (_ *mirror, err error) {
	cfg, err := locked.Config(ctx)
	if err != nil {
		return nil, err
	}
	parts, err := withbucket.Open(ctx, withbucket.Config{Bucket: bucketName, Config: wiring.Config{
		Store: store.Config{Dir: shared}, Queue: queueName, AWS: &cfg,
	}})
	if err != nil {
		return nil, err
	}
	m := &mirror{gallery: parts.Gallery, store: parts.Store, tell: tell}
	m.task = &datasync.Task{From: m.store.PublishedDir(), To: m.gallery.Bucket(), Prefix: gallery.Pictures, CacheControl: gallery.CacheControl}
	if m.file, err = os.OpenFile(filepath.Join(logs, "datasync.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640); err != nil {
		return nil, errors.Join(err, m.store.Close())
	}
	m.log = slog.New(slog.NewTextHandler(m.file, nil))
	m.task.Log = m.log
	return m, nil
}

// After a successful round the mirror pauses for rest times the round's duration, at most longest.
// A round lists the whole bucket and rewrites the hour's manifest, so under load, on cores shared
// with everything else, it would otherwise run all the time.
const (
	rest    = 9
	longest = 20 * time.Second
)

// start checks at regular intervals whether something has changed, until stop. (DataSync's own
// schedules have a minimum interval of an hour.)
func (m *mirror) start(ctx context.Context, every time.Duration) {
	ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	m.done.Go(func() {
		for {
			began := time.Now()
			pause := every
			switch err := m.round(ctx); {
			case err == nil:
				pause = max(every, min(rest*time.Since(began), longest))
			case ctx.Err() == nil:
				m.log.Warn("copying failed; the next round continues", "error", err)
			}
			again := time.NewTimer(pause)
			select {
			case <-ctx.Done():
				again.Stop()
				return
			case <-again.C:
			}
		}
	})
}

// stop ends the rounds and waits for the current one.
func (m *mirror) stop() {
	if m.cancel != nil {
		m.cancel()
	}
	m.done.Wait()
	if m.copier != nil {
		m.copier.service.Close()
	}
	_ = m.file.Close()  // a log
	_ = m.store.Close() // it was only read
}

// prepare makes the bucket in a MiniStack that was just started, which has no state from before a
// restart, and has everything copied again. Pages of the given origins may show its objects.
func (m *mirror) prepare(ctx context.Context, locked ministack.Locked, origins []string) error {
	cfg, err := locked.Config(ctx)
	if err != nil {
		return err
	}
	if _, err := bucket.Create(ctx, cfg, bucketName, origins...); err != nil {
		return err
	}
	if m.copier != nil {
		return nil
	}
	if err := m.gallery.PutPage(ctx, api.GallerySite()); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.seen, m.due = "", true
	return nil
}

// executed logs the report of an execution.
func (m *mirror) executed(report datasync.Report) {
	if report.Changed() {
		m.log.Info("copied pictures to the bucket", "transferred", report.Transferred, "skipped", report.Skipped, "deleted", report.Deleted, "failed", report.Failed)
	}
	if report.Transferred > 0 {
		m.tell("DataSync: %d files copied to s3://%s/pictures", report.Transferred, bucketName)
	}
}

// round copies changes, if there are any, and updates the gallery.
func (m *mirror) round(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	mark, err := m.task.TakeMark()
	if err != nil {
		return err
	}
	if mark != "" && mark == m.seen && !m.due {
		return nil
	}
	report, err := m.task.Run(ctx)
	m.executed(report)
	m.due = m.due || report.Changed() || err != nil // failed operations may have been executed
	if m.due {
		_, uerr := m.gallery.Update(ctx, m.store)
		m.due = uerr != nil
		err = errors.Join(err, uerr)
	}
	if err == nil {
		m.seen = mark
	}
	return err
}

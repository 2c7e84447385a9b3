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
	"github.com/atelier-go/atelier/scripts/devstack/datasync"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

const bucketName = "atelier"

// A mirror brings what is published into the bucket and then has the gallery show
// it, as DataSync, and the event that it sends after an execution, do on AWS. With
// functions, the maintenance function does that, and the mirror only prepares the bucket.
type mirror struct {
	task    *datasync.Task
	gallery *gallery.Gallery
	store   *store.Store
	tell    func(string, ...any)
	log     *slog.Logger

	copier *copier // of the functions; nil without: then rounds copy

	mu   sync.Mutex    // one round at a time
	seen datasync.Mark // as of the last round that went well
	due  bool          // the gallery is to be updated

	cancel context.CancelFunc
	done   sync.WaitGroup
	file   *os.File
}

// newMirror opens what it copies. It works from start on.
func newMirror(ctx context.Context, locked ministack.Locked, shared, logs string, tell func(string, ...any)) (_ *mirror, err error) {
	cfg, err := locked.Config(ctx)
	if err != nil {
		return nil, err
	}
	b := bucket.New(cfg, bucketName)
	m := &mirror{gallery: gallery.New(b), tell: tell}
	if m.store, err = store.Open(store.Config{Dir: shared}); err != nil {
		return nil, err
	}
	m.task = &datasync.Task{From: m.store.PublishedDir(), To: b, Prefix: gallery.Pictures, CacheControl: gallery.CacheControl}
	if m.file, err = os.OpenFile(filepath.Join(logs, "datasync.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640); err != nil {
		return nil, errors.Join(err, m.store.Close())
	}
	m.log = slog.New(slog.NewTextHandler(m.file, nil))
	m.task.Log = m.log
	return m, nil
}

// After a round that went well the mirror rests so many times as long as it took,
// longest at most. A round lists the whole bucket and writes the hour's manifest
// anew, so that under load, on the cores of everything else, it would soon do
// nothing else.
const (
	rest    = 9
	longest = 20 * time.Second
)

// start has it look every so often for something that has changed, until stop.
// (DataSync's own schedules begin at an hour.)
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
				m.log.Warn("the next round goes on", "error", err)
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

// stop ends the rounds and waits for the one that is being made.
func (m *mirror) stop() {
	if m.cancel != nil {
		m.cancel()
	}
	m.done.Wait()
	if m.copier != nil {
		m.copier.service.Close()
	}
	_ = m.file.Close()  // a log
	_ = m.store.Close() // it was only read from
}

// prepare makes the bucket in a MiniStack that was started, which keeps nothing
// over a restart, and has everything copied again. Pages of the given origins may
// show what is in it.
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

// executed logs what an execution did.
func (m *mirror) executed(report datasync.Report) {
	if report.Changed() {
		m.log.Info("execution", "transferred", report.Transferred, "skipped", report.Skipped, "deleted", report.Deleted, "failed", report.Failed)
	}
	if report.Transferred > 0 {
		m.tell("DataSync: %d files copied to s3://%s/pictures", report.Transferred, bucketName)
	}
}

// round copies what has changed, if anything has, and updates the gallery.
func (m *mirror) round(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	mark, err := m.task.Look()
	if err != nil {
		return err
	}
	if mark != "" && mark == m.seen && !m.due {
		return nil
	}
	report, err := m.task.Run(ctx)
	m.executed(report)
	m.due = m.due || report.Changed() || err != nil // what is said to have failed may have been done
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

package worker_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
	"github.com/atelier-go/atelier/worker"
)

// null is a model that costs nothing.
func null(_ context.Context, r style.Request) (*image.RGBA, error) { return r.Content, nil }

// BenchmarkJobs is the pipeline where the network costs nothing: jobs of a small
// picture, stored as durably as ever, through a queue in memory. What is measured
// is what the protocol and the disk hold up.
//
//	submit and work: 32 submitters beside the worker, until every job is done
//	work alone: the jobs are there already
//
// Directories are removed after both: ext4 without a journal looks for an inode
// that was not freed in the last minutes, which makes every new file slower.
func BenchmarkJobs(b *testing.B) {
	dir := b.TempDir()
	b.Run("submit and work", func(b *testing.B) { benchmarkJobs(b, dir, false) })
	b.Run("work alone", func(b *testing.B) { benchmarkJobs(b, dir, true) })
}

func benchmarkJobs(b *testing.B, dir string, before bool) {
	var picture bytes.Buffer
	if err := jpeg.Encode(&picture, image.NewYCbCr(image.Rect(0, 0, 64, 64), image.YCbCrSubsampleRatio420), nil); err != nil {
		b.Fatal(err)
	}
	dir = filepath.Join(dir, fmt.Sprint(time.Now().UnixNano()))
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	q := queuefake.New(queuefake.Config{})
	const concurrent = 32 // as many as it takes to keep the disk's commits shared
	w, err := worker.New(worker.Config{Store: s, Stylizer: painter(null), Decoder: decoding, Kind: "daemon", Name: "bench", Concurrent: concurrent})
	if err != nil {
		b.Fatal(err)
	}
	submitAll := func() {
		var left atomic.Int64
		left.Store(int64(b.N))
		var all sync.WaitGroup
		for range concurrent {
			all.Go(func() {
				for left.Add(-1) >= 0 {
					id, err := job.NewID()
					spec := job.Spec{ID: id, Style: style.Names()[0], Strength: 1, Size: 64, Format: "jpeg", Quality: 90, CreatedAt: time.Now()}
					if err == nil {
						err = s.Create(&spec, picture.Bytes(), nil)
					}
					if err == nil {
						err = q.Send(b.Context(), job.Message{Job: id, Run: 1})
					}
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	}
	if before {
		submitAll()
		b.ResetTimer()
	}
	ctx, stop := context.WithCancel(b.Context())
	polled := make(chan error)
	go func() { polled <- w.Poll(ctx, q, worker.PollConfig{}) }()
	if !before {
		submitAll()
	}
	for again := time.NewTicker(2 * time.Millisecond); ; <-again.C {
		d, err := q.Depth(ctx)
		if err != nil {
			b.Fatal(err)
		}
		if d.Total() == 0 {
			break
		}
	}
	b.StopTimer()
	stop()
	if err := <-polled; err != nil {
		b.Error(err)
	}
	if active, err := s.Active(); err != nil || len(active) > 0 {
		b.Errorf("%d jobs are not done, %v", len(active), err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

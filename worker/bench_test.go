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

// unchanged is a Stylizer that returns the photograph.
func unchanged(_ context.Context, r style.Request) (*image.RGBA, error) { return r.Content, nil }

// BenchmarkJobs measures the worker without the network: jobs with a small picture, stored durably,
// through a queue in memory. The protocol and the disk take the time.
//
//	submit and work: 32 submitters run at the same time as the worker, until every job has ended
//	work alone: the jobs are submitted before
//
// Directories are removed after both, because ext4 without a journal searches for an inode that was
// not freed in the last minutes, which makes every new file slower.
func BenchmarkJobs(b *testing.B) {
	dir := b.TempDir()
	b.Run("submit and work", func(b *testing.B) { benchmarkJobs(b, dir, false) })
	b.Run("work alone", func(b *testing.B) { benchmarkJobs(b, dir, true) })
}

func benchmarkJobs(b *testing.B, dir string, submitFirst bool) {
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
	const concurrent = 32 // enough for the disk's commits to be shared
	w, err := worker.New(worker.Config{Store: s, Stylizer: stylizerFunc(unchanged), Decoder: decoding, Kind: "daemon", Name: "bench", Concurrent: concurrent})
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
	if submitFirst {
		submitAll()
		b.ResetTimer()
	}
	ctx, stop := context.WithCancel(b.Context())
	polled := make(chan error)
	go func() { polled <- w.Poll(ctx, q, worker.PollConfig{}) }()
	if !submitFirst {
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
		b.Errorf("%d jobs have not ended, %v", len(active), err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/scripts/measure/photograph"
	"github.com/atelier-go/atelier/worker"
)

// The settings of the jobs: the API's defaults.
const (
	longest = 1024
	format  = "jpeg"
	quality = 90
)

// A work is the result of a process: pictures a second, and the median time of a picture in seconds
// if known.
type work struct{ PerSecond, Median float64 }

// warmUp returns the number of pictures before the measurement, for the preparation of the graph
// and of the allocator.
func warmUp(concurrent int) int { return 3 * concurrent }

// A bench is a worker with its store and queue, in this process.
type bench struct {
	store  *store.Store
	queue  *queuefake.Queue
	photos [][]byte
	at     int // pictures at once
	done   func() error
}

// openBench starts a worker that polls a queue in memory until done is called.
func openBench(ctx context.Context, t task) (*bench, error) {
	m, err := load(t)
	if err != nil {
		return nil, err
	}
	b := &bench{queue: queuefake.New(queuefake.Config{}), at: m.Info().Concurrent}
	if b.store, err = store.Open(store.Config{Dir: t.Dir}); err != nil {
		return nil, err
	}
	info := m.Info()
	var decoding interface {
		Decode(ctx context.Context, r decoder.Request) (decoder.Pictures, error)
	} = here{}
	end := func() {}
	if t.Decoder != "" {
		d, err := decoder.New(decoder.Config{Program: t.Decoder, Idle: info.Concurrent})
		if err != nil {
			return nil, err
		}
		decoding, end = d, d.Close
	}
	w, err := worker.New(worker.Config{
		Store: b.store, Stylizer: m, Decoder: decoding, Kind: "daemon", Name: "bench",
		Engine: info.Engine, Model: info.Name, Concurrent: info.Concurrent,
	})
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	polled := make(chan error, 1)
	go func() { polled <- w.Poll(ctx, b.queue, worker.PollConfig{}) }()
	b.done = func() error {
		stop()
		err := errors.Join(<-polled, b.store.Close())
		end()
		return err
	}
	return b, nil
}

// here decodes in this process, with the same steps as the separate decoder.
type here struct{}

func (here) Decode(ctx context.Context, r decoder.Request) (p decoder.Pictures, err error) {
	photo, _, err := imageio.Decode(ctx, r.Photo, imageio.DefaultLimits())
	if err != nil {
		return p, err
	}
	p.Photo = imageio.Fit(photo, r.Longest)
	if r.Preview {
		if r.Longest >= imageio.PreviewEdge {
			photo = p.Photo
		}
		p.Preview, err = imageio.Preview(photo, imageio.PreviewEdge)
	}
	return p, err
}

// submit makes n jobs durable without sending their messages.
func (b *bench) submit(n, size int) (ms []job.Message, err error) {
	for i := range n {
		id, err := job.NewID()
		if err != nil {
			return nil, err
		}
		spec := job.Spec{
			ID: id, Style: named(nil, 0).Mix.String(), Strength: 1, Size: size, Format: format, Quality: quality,
			CreatedAt: time.Now(),
		}
		if err := b.store.Create(&spec, b.photos[i%len(b.photos)], nil); err != nil {
			return nil, err
		}
		ms = append(ms, job.Message{Job: id, Run: 1})
	}
	return ms, nil
}

// work sends jobs' messages, waits until the jobs have ended, and returns the time.
func (b *bench) work(ctx context.Context, ms []job.Message) (time.Duration, error) {
	began := time.Now()
	if err := b.queue.SendAll(ctx, ms); err != nil {
		return 0, err
	}
	again := time.NewTicker(time.Millisecond)
	defer again.Stop()
	for {
		d, err := b.queue.Depth(ctx)
		if err != nil {
			return 0, err
		}
		if d.Total() == 0 {
			break
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	took := time.Since(began)
	for _, m := range ms {
		j, err := b.store.Job(m.Job)
		if err == nil {
			err = succeeded(j)
		}
		if err != nil {
			return 0, err
		}
	}
	return took, nil
}

// succeeded returns an error if a job has no picture.
func succeeded(j job.Job) error {
	switch {
	case j.State == job.Succeeded:
		return nil
	case j.Error != nil:
		return fmt.Errorf("job %s: %w", j.ID, j.Error)
	}
	return fmt.Errorf("job %s is %s", j.ID, j.State)
}

// workAlone runs jobs through a worker.
func workAlone(ctx context.Context, t task, out io.Writer) error {
	b, err := openBench(ctx, t)
	if err != nil {
		return err
	}
	if b.photos, err = photograph.All(t.Samples, t.Width, t.Height); err != nil {
		return err
	}
	warm, err := b.submit(warmUp(b.at), longest)
	if err != nil {
		return err
	}
	jobs, err := b.submit(t.Images, longest)
	if err != nil {
		return err
	}
	if _, err := b.work(ctx, warm); err != nil {
		return err
	}
	took, err := b.work(ctx, jobs)
	if err = errors.Join(err, b.done()); err != nil {
		return err
	}
	return answer(out, work{PerSecond: float64(t.Images) / took.Seconds()})
}

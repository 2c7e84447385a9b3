package main

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/worker"
)

// A bench is a worker with its store and queue, in this process.
type bench struct {
	store  *store.Store
	queue  *queuefake.Queue
	photos [][]byte
	public bool
	at     int // pictures at once
	done   func() error
}

// openBench starts a worker that polls a queue in memory until done is called.
func openBench(ctx context.Context, t task) (*bench, error) {
	m, err := load(t)
	if err != nil {
		return nil, err
	}
	b := &bench{queue: queuefake.New(queuefake.Config{}), public: t.Public, at: m.Info().Concurrent}
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
			Public: b.public, CreatedAt: time.Now(),
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

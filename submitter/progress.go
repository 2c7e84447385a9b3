package main

import (
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A countingReader tells how much of it was read. read may be loaded while
// another goroutine reads.
type countingReader struct {
	r        io.Reader
	read     atomic.Int64
	progress func(int64) // nil where nobody wants to know
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	if total := c.read.Add(int64(n)); c.progress != nil {
		c.progress(total)
	}
	return n, err
}

// An upload that is small and quick needs no bar: it would only flicker.
const (
	barBytes = 8 << 20
	barDelay = 2 * time.Second
)

// uploadBar shows a bar on a terminal once it is worth it. progress may be
// called until done was, which removes the bar and must be called.
func (s *screen) uploadBar(size int64) (progress func(int64), done func()) {
	if !s.terminal {
		return nil, func() {}
	}
	show := make(chan struct{})
	var timer *time.Timer
	if size >= barBytes {
		close(show)
	} else {
		timer = time.AfterFunc(barDelay, func() { close(show) })
	}
	p := mpb.New(mpb.WithOutput(s.w), mpb.WithRenderDelay(show), mpb.WithWidth(64))
	bar := p.AddBar(size, mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name("sending ")),
		mpb.AppendDecorators(decor.CountersKibiByte("% .1f / % .1f")))
	return bar.SetCurrent, func() {
		if timer != nil {
			timer.Stop()
		}
		bar.Abort(true)
		p.Wait()
	}
}

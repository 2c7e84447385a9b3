package main

import (
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// A countingReader tells how much of it was read, and whether that went wrong.
// read and failed may be loaded while another goroutine reads.
type countingReader struct {
	r        io.Reader
	size     int64 // that there ought to be
	read     atomic.Int64
	failed   atomic.Pointer[error]
	progress func(int64) // nil where nobody wants to know
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	total := c.read.Add(int64(n))
	if c.progress != nil {
		c.progress(total)
	}
	if err != nil && total < c.size {
		if errors.Is(err, io.EOF) {
			err = errors.New("it has become shorter")
		}
		c.failed.Store(&err)
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

// batchBar shows a bar over a whole batch on a terminal, until remove is called,
// which must be. Notes go above it meanwhile.
func (s *screen) batchBar(b *board) (remove func()) {
	if !s.terminal {
		return func() {}
	}
	p := mpb.New(mpb.WithOutput(s.w), mpb.WithAutoRefresh())
	bar := p.AddBar(int64(b.total()), mpb.BarWidth(24), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return b.fraction() + " " })),
		mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO), decor.Any(func(decor.Statistics) string { return "  " + b.String() })))
	b.watch(func(ended int) { bar.SetCurrent(int64(ended)) })
	s.setAbove(p)
	return func() {
		b.watch(nil)
		bar.Abort(true)
		p.Wait()
		s.setAbove(nil)
	}
}

func (s *screen) setAbove(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.above = w
}

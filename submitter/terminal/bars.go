package terminal

import (
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// The bar of an upload appears after barDelay, because it would only flicker for a small one.
const (
	barBytes = 8 << 20
	barDelay = 2 * time.Second
)

// UploadBar shows the progress of an upload of this size in bytes, on an interactive screen. The
// caller calls progress with the number of bytes sent so far, and done at the end, which removes
// the bar. progress is nil if no bar is shown.
func (s *Screen) UploadBar(size int64) (progress func(sent int64), done func()) {
	if !s.interactive {
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

// A Stages is the progress of many items, some of which are done. It must be safe for concurrent
// use.
type Stages interface {
	Total() int
	Ended() int
	String() string           // how many things are in which stage
	OnChange(func(ended int)) // sets a function that is called after each change; nil removes it
}

// StagesBar shows the progress of many items on an interactive screen, until the caller calls
// remove. Lines that are written meanwhile appear above the bar.
func (s *Screen) StagesBar(stages Stages) (remove func()) {
	if !s.interactive {
		return func() {}
	}
	p := mpb.New(mpb.WithOutput(s.w), mpb.WithAutoRefresh())
	bar := p.AddBar(int64(stages.Total()), mpb.BarWidth(24), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return fraction(stages) + " " })),
		mpb.AppendDecorators(decor.Elapsed(decor.ET_STYLE_GO), decor.Any(func(decor.Statistics) string { return "  " + stages.String() })))
	stages.OnChange(func(ended int) { bar.SetCurrent(int64(ended)) })
	s.setAbove(p)
	return func() {
		stages.OnChange(nil)
		bar.Abort(true)
		p.Wait()
		s.setAbove(nil)
	}
}

func fraction(stages Stages) string { return fmt.Sprintf("%d/%d", stages.Ended(), stages.Total()) }

func (s *Screen) setAbove(w io.Writer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.above = w
}

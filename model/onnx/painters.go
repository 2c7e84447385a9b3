package onnx

import (
	"fmt"
	"runtime/debug"
)

// painters are the sessions that paint, one for each image at once: images don't
// share an arena, and a session can be dropped as soon as its image is done.
type painters struct {
	file    []byte
	threads int
	idle    chan *painter // nil: to be loaded
}

// A painter is a session, and the planes between pictures and its network.
type painter struct {
	*session
	in, out []float32
	largest int // pixels of a picture that it has painted
}

// keepPixels is the size of the largest picture whose memory is kept for the next:
// 0.2 GB. After a larger one the session is loaded afresh, which takes 15 ms where
// the picture took 200 or more.
const keepPixels = 1 << 20

func newPainters(file []byte, threads, n int) painters {
	ps := painters{file, threads, make(chan *painter, n)}
	for range n {
		ps.idle <- nil
	}
	return ps
}

// take waits for a painter for a picture of so many pixels, and put gives it back. A
// session that has painted smaller ones alone is loaded afresh: its arena would keep
// what they took, of no use to a larger one, beside what that takes.
func (ps painters) take(pixels int) (*painter, error) {
	p := <-ps.idle
	if p != nil && p.largest > 0 && pixels > p.largest {
		p.drop()
		p = nil
	}
	if p != nil {
		return p, nil
	}
	s, err := newSession(ps.file, []string{contentInput, vectorInput}, []string{pictureOutput}, ps.threads)
	if err != nil {
		ps.idle <- nil
		return nil, fmt.Errorf("ONNX Runtime cannot load %s: %w", transformFile, err)
	}
	return &painter{session: s}, nil
}

func (ps painters) put(p *painter, pixels int) {
	if p.largest = max(p.largest, pixels); p.largest > keepPixels {
		p.drop()
		p = nil
	}
	ps.idle <- p
}

// drop gives back a painter's memory, and at once: the collector, which knows of the
// planes alone, would let those of several pictures pile up.
func (p *painter) drop() {
	_ = p.Destroy() // it has no way to fail
	p.in, p.out = nil, nil
	debug.FreeOSMemory()
}

// close waits for what is running.
func (ps painters) close() {
	for range cap(ps.idle) {
		if p := <-ps.idle; p != nil {
			_ = p.Destroy()
		}
	}
}

// grow makes the planes n numbers long.
func (p *painter) grow(n int) {
	if cap(p.in) < n {
		p.in, p.out = make([]float32, n), make([]float32, n)
	}
	p.in, p.out = p.in[:n], p.out[:n]
}

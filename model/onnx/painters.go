package onnx

import (
	"fmt"
	"runtime/debug"

	"github.com/atelier-go/atelier/model/internal/stack"
)

// painters are the sessions that paint, one for each image at once: images don't
// share an arena, and a session can be dropped as soon as its image is done.
type painters struct {
	file    []byte
	threads int
	pool    *stack.Stack[*painter]
}

// A painter is a session, and the planes between pictures and its network.
type painter struct {
	*session
	in, out []float32
	largest int // pixels of a picture that it has painted
}

// keepPixels is how many pixels of pictures the memory of idle sessions is kept for, in all:
// 0.2 GB. What is beyond is loaded afresh when it is needed, which takes 15 ms where
// a picture so large takes 200 or more.
const keepPixels = 1 << 20

func newPainters(file []byte, threads, n int) painters {
	return painters{file, threads, stack.New[*painter](n)}
}

// take waits for a painter for a picture of so many pixels, and put gives it back. A
// session that has painted smaller ones alone is loaded afresh: its arena would keep
// what they took, of no use to a larger one, beside what that takes. The other idle
// ones go with it, since what they keep is nobody's budget.
func (ps painters) take(pixels int) (*painter, error) {
	p, ok := ps.pool.Take()
	if ok && (p.largest == 0 || pixels <= p.largest) {
		return p, nil
	}
	if ok {
		dropAll(append(ps.pool.Idle(), p))
	}
	s, err := newSession(ps.file, []string{contentInput, vectorInput}, []string{pictureOutput}, ps.threads)
	if err != nil {
		ps.pool.Leave()
		return nil, fmt.Errorf("ONNX Runtime cannot load %s: %w", transformFile, err)
	}
	return &painter{session: s}, nil
}

func (ps painters) put(p *painter, pixels int) {
	p.largest = max(p.largest, pixels)
	kept := ps.pool.Put(p, func(idle []*painter) bool {
		all := p.largest
		for _, other := range idle {
			all += other.largest
		}
		return all <= keepPixels
	})
	if !kept {
		dropAll([]*painter{p})
		ps.pool.Leave()
	}
}

// dropAll gives back the memory of painters, and at once: the collector, which knows of
// the planes alone, would let those of several pictures pile up.
func dropAll(ps []*painter) {
	for _, p := range ps {
		_ = p.Destroy() // it has no way to fail
		p.in, p.out = nil, nil
	}
	debug.FreeOSMemory()
}

// close waits for what is running.
func (ps painters) close() {
	for _, p := range ps.pool.Close() {
		_ = p.Destroy()
	}
}

// grow makes the planes n numbers long.
func (p *painter) grow(n int) {
	if cap(p.in) < n {
		p.in, p.out = make([]float32, n), make([]float32, n)
	}
	p.in, p.out = p.in[:n], p.out[:n]
}

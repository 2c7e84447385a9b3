package api

import (
	"context"
	"fmt"
	"sync"
)

// A probe asks a question that may never be answered, such as one to a mount
// whose server is gone, where a system call can't be given up. One question is
// on its way at a time, however many want to know, so that they don't pile up.
type probe struct {
	question func() error

	mu    sync.Mutex
	asked *answer // nil where no question is on its way
}

type answer struct {
	done chan struct{} // closed when err is there
	err  error
}

func newProbe(question func() error) *probe { return &probe{question: question} }

// ask answers the question on its way, or a new one, or that ctx ended first.
func (p *probe) ask(ctx context.Context) error {
	a := p.pending()
	select {
	case <-a.done:
		return a.err
	case <-ctx.Done():
		return fmt.Errorf("no answer: %w", ctx.Err())
	}
}

func (p *probe) pending() *answer {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked != nil {
		return p.asked
	}
	a := &answer{done: make(chan struct{})}
	p.asked = a
	go func() { // nobody waits for its end, which a dead mount puts off for ever
		a.err = p.question()
		p.mu.Lock()
		p.asked = nil
		p.mu.Unlock()
		close(a.done)
	}()
	return a
}

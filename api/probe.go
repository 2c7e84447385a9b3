package api

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// probeAge is for how long an answer counts.
const probeAge = time.Second

// A probe asks a question that may never be answered, such as one to a mount
// whose server is gone, where a system call can't be given up. One question is
// on its way at a time, and one is asked in probeAge, however many want to know.
type probe struct {
	question func() error

	mu    sync.Mutex
	asked *answer // the last question; nil before the first
}

type answer struct {
	done chan struct{} // closed when err and at are there
	err  error
	at   time.Time
}

func newProbe(question func() error) *probe { return &probe{question: question} }

// ask answers the question on its way, or one of less than probeAge ago, or a new one,
// or that ctx ended first.
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
	if p.asked != nil && p.asked.counts() {
		return p.asked
	}
	a := &answer{done: make(chan struct{})}
	p.asked = a
	go func() { // nobody waits for its end, which a dead mount puts off for ever
		a.err = p.question()
		a.at = time.Now()
		close(a.done)
	}()
	return a
}

func (a *answer) counts() bool {
	select {
	case <-a.done:
		return time.Since(a.at) < probeAge
	default:
		return true
	}
}

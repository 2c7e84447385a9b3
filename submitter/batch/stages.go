package main

import (
	"fmt"
	"strings"
	"sync"

	"github.com/atelier-go/atelier/pkg/job"
)

// A board knows at which stage each task of a batch is. It is safe for concurrent
// use.
type board struct {
	mu     sync.Mutex
	stages map[*task]string
	counts map[string]int
	ended  func(int) // hears how many have ended; nil where nobody wants to know
}

// The stages of a task; between being sent and done they are its job's states.
const (
	stageUnsent  = "to send"
	stageSending = "being sent"
	stageDone    = "done"
)

func newBoard(tasks []*task) *board {
	b := &board{stages: map[*task]string{}, counts: map[string]int{}}
	for _, t := range tasks {
		stage := stageUnsent
		if t.id != "" {
			stage = string(job.Queued)
		}
		b.stages[t] = stage
		b.counts[stage]++
	}
	return b
}

func (b *board) set(t *task, stage string) {
	b.mu.Lock()
	b.counts[b.stages[t]]--
	b.stages[t] = stage
	b.counts[stage]++
	ended, n := b.ended, b.counts[stageDone]+b.counts[string(job.Failed)]
	b.mu.Unlock() // who hears of it may be waiting for who asks String
	if ended != nil {
		ended(n)
	}
}

func (b *board) watch(ended func(int)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ended = ended
}

func (b *board) total() int { return len(b.stages) }

func (b *board) fraction() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return fmt.Sprintf("%d/%d", b.counts[stageDone]+b.counts[string(job.Failed)], len(b.stages))
}

// String tells how many are at which stage, but for those with nobody.
func (b *board) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var parts []string
	for _, stage := range []string{string(job.Failed), string(job.Running), string(job.Queued), stageSending, stageUnsent} {
		if n := b.counts[stage]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, stage))
		}
	}
	return strings.Join(parts, ", ")
}

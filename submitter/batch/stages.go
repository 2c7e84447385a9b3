package batch

import (
	"fmt"
	"strings"
	"sync"

	"github.com/atelier-go/atelier/pkg/job"
)

// Stages counts the pictures of a batch by stage. It is safe for concurrent use.
type Stages struct {
	mu       sync.Mutex
	stages   map[*task]string
	counts   map[string]int
	onChange func(ended int) // nil if nothing is called
}

// The stages of a picture before its job exists and after its result is saved. The stages in
// between are the states of its job.
const (
	stageUnsent  = "to send"
	stageSending = "being sent"
	stageDone    = "done"
)

func newStages(tasks []*task) *Stages {
	s := &Stages{stages: map[*task]string{}, counts: map[string]int{}}
	for _, t := range tasks {
		stage := stageUnsent
		if t.id != "" {
			stage = string(job.Queued)
		}
		s.stages[t] = stage
		s.counts[stage]++
	}
	return s
}

func (s *Stages) set(t *task, stage string) {
	s.mu.Lock()
	s.counts[s.stages[t]]--
	s.stages[t] = stage
	s.counts[stage]++
	onChange, ended := s.onChange, s.ended()
	s.mu.Unlock() // onChange may wait for a goroutine that calls String
	if onChange != nil {
		onChange(ended)
	}
}

func (s *Stages) ended() int { return s.counts[stageDone] + s.counts[string(job.Failed)] }

// OnChange sets the function that is called after each change, with the number of pictures that are
// done or have failed. nil removes it.
func (s *Stages) OnChange(f func(ended int)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onChange = f
}

// Total returns the number of pictures.
func (s *Stages) Total() int { return len(s.stages) }

// Ended returns the number of pictures that are done or have failed.
func (s *Stages) Ended() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended()
}

// String returns how many pictures are in each stage. It leaves out the stage "done", and stages
// without pictures.
func (s *Stages) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var parts []string
	for _, stage := range []string{string(job.Failed), string(job.Running), string(job.Queued), stageSending, stageUnsent} {
		if n := s.counts[stage]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, stage))
		}
	}
	return strings.Join(parts, ", ")
}

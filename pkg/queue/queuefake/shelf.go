package queuefake

import (
	"container/heap"
	"container/list"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A message is on one of the shelf's two sides.
type message struct {
	number   uint64
	id       string // shared with a duplicate
	body     string
	received int
	visible  *list.Element // nil: hidden
	until    time.Time     // hidden until then
	delayed  bool          // hidden from its sending, not from a receive
	index    int           // among the hidden
}

// A shelf holds messages: the visible ones in line, the hidden ones by the time
// at which they become visible. No operation looks at all of them.
type shelf struct {
	last    uint64
	all     map[uint64]*message
	visible *list.List
	hidden  byTime
	delayed int // among the hidden
}

func newShelf() shelf { return shelf{all: map[uint64]*message{}, visible: list.New()} }

func (s *shelf) depth() job.Depth {
	return job.Depth{Visible: s.visible.Len(), InFlight: len(s.hidden) - s.delayed, Delayed: s.delayed}
}

// add gives m a number of its own and shows it, or hides it for delay.
func (s *shelf) add(m *message, now time.Time, delay time.Duration) {
	s.last++
	m.number = s.last
	s.all[m.number] = m
	if delay <= 0 {
		m.visible = s.visible.PushBack(m)
		return
	}
	m.delayed = true
	s.delayed++
	m.until = now.Add(delay)
	heap.Push(&s.hidden, m)
}

// settle shows what has been hidden for long enough, and says how many.
func (s *shelf) settle(now time.Time) (shown int) {
	for len(s.hidden) > 0 && !s.hidden[0].until.After(now) {
		s.show(s.hidden[0])
		shown++
	}
	return shown
}

func (s *shelf) show(m *message) {
	heap.Remove(&s.hidden, m.index)
	if m.delayed {
		m.delayed = false
		s.delayed--
	}
	m.visible = s.visible.PushBack(m)
}

// hide takes m out of the line, or moves the end of its time.
func (s *shelf) hide(m *message, until time.Time) {
	m.until = until
	if m.visible == nil {
		heap.Fix(&s.hidden, m.index)
		return
	}
	s.visible.Remove(m.visible)
	m.visible = nil
	heap.Push(&s.hidden, m)
}

func (s *shelf) remove(m *message) {
	delete(s.all, m.number)
	if m.visible == nil {
		heap.Remove(&s.hidden, m.index)
		return
	}
	s.visible.Remove(m.visible)
	m.visible = nil
}

// byTime is a heap, by container/heap.
type byTime []*message

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].until.Before(h[j].until) }
func (h byTime) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push appends, for heap.Push alone.
func (h *byTime) Push(x any) {
	m := x.(*message)
	m.index = len(*h)
	*h = append(*h, m)
}

// Pop takes the last, for heap.Pop and heap.Remove alone.
func (h *byTime) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil // let go of it
	*h = (*h)[:last]
	return m
}

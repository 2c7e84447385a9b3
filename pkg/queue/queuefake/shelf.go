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
	group    string
	request  string
	received int
	sent     time.Time
	visible  *list.Element // nil: hidden
	shown    uint64        // the place in the order in which messages became visible
	until    time.Time     // hidden until then
	delayed  bool          // hidden from its sending, not from a receive
	index    int           // among the hidden
}

// A shelf holds messages: the visible ones in line, the hidden ones by the time
// at which they become visible. No operation looks at all of them.
type shelf struct {
	last    uint64
	shown   uint64
	all     map[uint64]*message
	lines   map[string]*line // by group; those with messages that are visible or in flight
	visible int
	hidden  byTime
	delayed int // among the hidden
}

// A line is the messages of a group: the visible ones, and how many are in flight.
type line struct {
	visible  list.List
	inFlight int
}

func newShelf() shelf { return shelf{all: map[uint64]*message{}, lines: map[string]*line{}} }

func (s *shelf) depth() job.Depth {
	return job.Depth{Visible: s.visible, InFlight: len(s.hidden) - s.delayed, Delayed: s.delayed}
}

// next is the visible message that is received next: of the groups with the fewest
// messages in flight the one that became visible first. Messages without a group are
// each a group of its own, as in SQS. There must be a visible message.
func (s *shelf) next() *message {
	var best *message
	fewest := 0
	for name, l := range s.lines {
		front := l.visible.Front()
		if front == nil {
			continue
		}
		m, flying := front.Value.(*message), l.inFlight
		if name == "" {
			flying = 0
		}
		if best == nil || flying < fewest || flying == fewest && m.shown < best.shown {
			best, fewest = m, flying
		}
	}
	return best
}

func (s *shelf) line(group string) *line {
	l := s.lines[group]
	if l == nil {
		l = new(line)
		s.lines[group] = l
	}
	return l
}

// enqueue makes m visible, as the last of its group.
func (s *shelf) enqueue(m *message) {
	s.shown++
	s.visible++
	m.shown = s.shown
	m.visible = s.line(m.group).visible.PushBack(m)
}

// dequeue makes m invisible.
func (s *shelf) dequeue(m *message) {
	s.visible--
	s.line(m.group).visible.Remove(m.visible)
	m.visible = nil
}

// fly counts messages in flight of m's group.
func (s *shelf) fly(m *message, n int) {
	l := s.line(m.group)
	l.inFlight += n
	if l.inFlight == 0 && l.visible.Len() == 0 {
		delete(s.lines, m.group)
	}
}

// add gives m a number of its own and shows it, or hides it for delay.
func (s *shelf) add(m *message, now time.Time, delay time.Duration) {
	s.last++
	m.number, m.sent = s.last, now
	s.all[m.number] = m
	if delay <= 0 {
		s.enqueue(m)
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
	s.unhide(m)
	s.enqueue(m)
}

// unhide takes m from the hidden ones.
func (s *shelf) unhide(m *message) {
	heap.Remove(&s.hidden, m.index)
	if m.delayed {
		m.delayed = false
		s.delayed--
		return
	}
	s.fly(m, -1)
}

// hide takes m out of the line, or moves the end of its time.
func (s *shelf) hide(m *message, until time.Time) {
	m.until = until
	if m.visible == nil {
		heap.Fix(&s.hidden, m.index)
		return
	}
	s.dequeue(m)
	s.fly(m, 1)
	heap.Push(&s.hidden, m)
}

func (s *shelf) remove(m *message) {
	delete(s.all, m.number)
	if m.visible == nil {
		s.unhide(m)
		return
	}
	s.dequeue(m)
	s.fly(m, 0)
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

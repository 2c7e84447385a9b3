package queuefake

import (
	"container/heap"
	"container/list"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A message is either visible or hidden.
type message struct {
	number   uint64
	id       string // shared with a duplicate
	body     string
	group    string
	request  string
	receives int
	sent     time.Time
	element  *list.Element // of its group's visible messages; nil while it is hidden
	order    uint64        // position in the order in which messages became visible

	hiddenUntil time.Time
	delayed     bool // hidden since it was sent, not since a receive
	index       int  // in the heap of hidden messages
}

// messages holds the visible messages by group and the hidden ones by the time at which they become
// visible. No operation goes through all messages.
type messages struct {
	last      uint64 // number of the last message
	lastOrder uint64
	all       map[uint64]*message
	groups    map[string]*group // those with messages that are visible or in flight
	visible   int
	hidden    byTime
	delayed   int // among the hidden
}

// A group holds the visible messages of a message group, and counts those in flight.
type group struct {
	visible  list.List
	inFlight int
}

func newMessages() messages { return messages{all: map[uint64]*message{}, groups: map[string]*group{}} }

func (s *messages) depth() job.Depth {
	return job.Depth{Visible: s.visible, InFlight: len(s.hidden) - s.delayed, Delayed: s.delayed}
}

// next returns the visible message that is received next. Of the groups with the fewest messages in
// flight, it is the message that became visible first. As in SQS, a message without a group is a
// group of its own. There must be a visible message.
func (s *messages) next() *message {
	var best *message
	fewest := 0
	for name, g := range s.groups {
		front := g.visible.Front()
		if front == nil {
			continue
		}
		m, inFlight := front.Value.(*message), g.inFlight
		if name == "" {
			inFlight = 0
		}
		if best == nil || inFlight < fewest || inFlight == fewest && m.order < best.order {
			best, fewest = m, inFlight
		}
	}
	return best
}

func (s *messages) group(name string) *group {
	g := s.groups[name]
	if g == nil {
		g = new(group)
		s.groups[name] = g
	}
	return g
}

// enqueue makes m visible, as the last of its group.
func (s *messages) enqueue(m *message) {
	s.lastOrder++
	s.visible++
	m.order = s.lastOrder
	m.element = s.group(m.group).visible.PushBack(m)
}

// dequeue removes m from the visible messages.
func (s *messages) dequeue(m *message) {
	s.visible--
	s.group(m.group).visible.Remove(m.element)
	m.element = nil
}

// addInFlight adds n to the number of messages in flight of m's group.
func (s *messages) addInFlight(m *message, n int) {
	g := s.group(m.group)
	g.inFlight += n
	if g.inFlight == 0 && g.visible.Len() == 0 {
		delete(s.groups, m.group)
	}
}

// add adds m as a new message that is hidden for delay.
func (s *messages) add(m *message, now time.Time, delay time.Duration) {
	s.last++
	m.number, m.sent = s.last, now
	s.all[m.number] = m
	if delay <= 0 {
		s.enqueue(m)
		return
	}
	m.delayed = true
	s.delayed++
	m.hiddenUntil = now.Add(delay)
	heap.Push(&s.hidden, m)
}

// showDue makes all messages visible that are hidden until now or earlier, and returns their
// number.
func (s *messages) showDue(now time.Time) (shown int) {
	for len(s.hidden) > 0 && !s.hidden[0].hiddenUntil.After(now) {
		s.show(s.hidden[0])
		shown++
	}
	return shown
}

func (s *messages) show(m *message) {
	s.unhide(m)
	s.enqueue(m)
}

// unhide removes m from the hidden messages.
func (s *messages) unhide(m *message) {
	heap.Remove(&s.hidden, m.index)
	if m.delayed {
		m.delayed = false
		s.delayed--
		return
	}
	s.addInFlight(m, -1)
}

// hide hides m, or changes until when it is hidden.
func (s *messages) hide(m *message, until time.Time) {
	m.hiddenUntil = until
	if m.element == nil {
		heap.Fix(&s.hidden, m.index)
		return
	}
	s.dequeue(m)
	s.addInFlight(m, 1)
	heap.Push(&s.hidden, m)
}

func (s *messages) remove(m *message) {
	delete(s.all, m.number)
	if m.element == nil {
		s.unhide(m)
		return
	}
	s.dequeue(m)
	s.addInFlight(m, 0) // removes an empty group
}

// byTime is a heap of hidden messages, for package container/heap.
type byTime []*message

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].hiddenUntil.Before(h[j].hiddenUntil) }
func (h byTime) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push is called only by heap.Push.
func (h *byTime) Push(x any) {
	m := x.(*message)
	m.index = len(*h)
	*h = append(*h, m)
}

// Pop is called only by heap.Pop and heap.Remove.
func (h *byTime) Pop() any {
	last := len(*h) - 1
	m := (*h)[last]
	(*h)[last] = nil // for the garbage collector
	*h = (*h)[:last]
	return m
}

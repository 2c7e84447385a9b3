package api

import (
	"container/list"
	"sync"
	"time"
)

// recall remembers names for a time, and those that were seen last if there are
// too many. It is safe for concurrent use.
type recall struct {
	limit int
	term  time.Duration

	mu    sync.Mutex
	order *list.List // of recalled, the latest first
	by    map[string]*list.Element
}

type recalled struct {
	name  string
	until time.Time
}

func newRecall(limit int, term time.Duration) *recall {
	return &recall{limit: limit, term: term, order: list.New(), by: make(map[string]*list.Element)}
}

func (r *recall) has(name string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.by[name]
	return e != nil && now.Before(e.Value.(recalled).until)
}

func (r *recall) add(name string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(name)
	r.by[name] = r.order.PushFront(recalled{name, now.Add(r.term)})
	if r.order.Len() > r.limit {
		r.drop(r.order.Back().Value.(recalled).name)
	}
}

func (r *recall) forget(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drop(name)
}

func (r *recall) drop(name string) {
	if e := r.by[name]; e != nil {
		r.order.Remove(e)
		delete(r.by, name)
	}
}

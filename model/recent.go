package model

import (
	"container/list"
	"sync"
)

// recent keeps the vectors of the pictures that were used last. It is safe for
// concurrent use.
type recent struct {
	mu    sync.Mutex
	limit int
	order *list.List // of kept, the latest first
	by    map[fingerprint]*list.Element
}

type kept struct {
	of     fingerprint
	vector []float32
}

func newRecent(limit int) *recent {
	return &recent{limit: limit, order: list.New(), by: make(map[fingerprint]*list.Element)}
}

// get returns the vector kept for a picture, or nil. It must not be changed.
func (r *recent) get(of fingerprint) []float32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.by[of]
	if e == nil {
		return nil
	}
	r.order.MoveToFront(e)
	return e.Value.(kept).vector
}

// put keeps a vector, and forgets the one unused for longest when there are
// too many. Two goroutines may have computed the same one.
func (r *recent) put(of fingerprint, vector []float32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.by[of]; e != nil {
		r.order.MoveToFront(e)
		return
	}
	r.by[of] = r.order.PushFront(kept{of, vector})
	if r.order.Len() > r.limit {
		oldest := r.order.Remove(r.order.Back()).(kept)
		delete(r.by, oldest.of)
	}
}

package model

import (
	"container/list"
	"sync"
)

// A vectorCache keeps the vectors of the pictures that were used last. It is safe for concurrent
// use.
type vectorCache struct {
	mu    sync.Mutex
	limit int
	order *list.List // of cacheEntry, the most recently used first
	by    map[fingerprint]*list.Element
}

type cacheEntry struct {
	of     fingerprint
	vector []float32
}

func newVectorCache(limit int) *vectorCache {
	return &vectorCache{limit: limit, order: list.New(), by: make(map[fingerprint]*list.Element)}
}

// get returns the cached vector of a picture, or nil. The caller must not change it.
func (r *vectorCache) get(of fingerprint) []float32 {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.by[of]
	if e == nil {
		return nil
	}
	r.order.MoveToFront(e)
	return e.Value.(cacheEntry).vector
}

// put adds a vector, and removes the one that was unused for longest if there are too many. If two
// goroutines add the vector of the same picture, the first one stays.
func (r *vectorCache) put(of fingerprint, vector []float32) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.by[of]; e != nil {
		r.order.MoveToFront(e)
		return
	}
	r.by[of] = r.order.PushFront(cacheEntry{of, vector})
	if r.order.Len() > r.limit {
		oldest := r.order.Remove(r.order.Back()).(cacheEntry)
		delete(r.by, oldest.of)
	}
}

package api

import (
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
)

// recentIDs is a set of identifiers that were added a short time ago. If there are too many, it
// removes the oldest. It is safe for concurrent use.
type recentIDs struct {
	age     time.Duration // for which an identifier is kept
	expires *lru.Cache[string, time.Time]
}

// newRecentIDs returns an empty set, from which identifiers are removed after age, or if there are
// more than limit, which must be positive.
func newRecentIDs(limit int, age time.Duration) *recentIDs {
	expires, err := lru.New[string, time.Time](limit)
	if err != nil {
		panic(err) // the limit is a constant
	}
	return &recentIDs{age, expires}
}

func (r *recentIDs) has(id string, now time.Time) bool {
	until, ok := r.expires.Peek(id) // not Get, which would count as adding it
	return ok && now.Before(until)
}

func (r *recentIDs) add(id string, now time.Time) { r.expires.Add(id, now.Add(r.age)) }

func (r *recentIDs) remove(id string) { r.expires.Remove(id) }

package api

import (
	"fmt"
	"maps"
	"net/http"
	"sync"

	"golang.org/x/time/rate"
)

// burstSeconds is how many seconds' worth of changes an owner may request at once.
const burstSeconds = 10

// manyOwners is the number of owners from which a limiter removes idle ones: those who have
// requested nothing for burstSeconds have their whole burst again, like an unknown owner.
const manyOwners = 1024

// A limiter limits how often each owner changes something. Not an LRU cache: it must not remove an
// owner who is not idle.
type limiter struct {
	every rate.Limit

	mu     sync.Mutex
	owners map[string]*rate.Limiter
}

// newLimiter allows the given number of changes a second. It returns nil, which allows all, for 0.
func newLimiter(perSecond float64) *limiter {
	if perSecond == 0 {
		return nil
	}
	return &limiter{every: rate.Limit(perSecond), owners: map[string]*rate.Limiter{}}
}

// allow counts a change of an owner, and returns the response to one too many, or nil.
func (l *limiter) allow(owner string) *Problem {
	if l == nil {
		return nil
	}
	turn := l.limiterOf(owner).Reserve()
	wait := turn.Delay()
	if wait == 0 {
		return nil
	}
	turn.Cancel() // the request is refused instead of delayed
	p := newProblem(http.StatusTooManyRequests, "rate_limited",
		fmt.Sprintf("more than %g changes a second, the limit of this server; try again in a moment", float64(l.every)))
	p.header.Set("Retry-After", inSeconds(wait))
	return p
}

func (l *limiter) limiterOf(owner string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.owners[owner]
	if !ok {
		if len(l.owners) >= manyOwners {
			maps.DeleteFunc(l.owners, func(_ string, idle *rate.Limiter) bool { return idle.Tokens() >= float64(idle.Burst()) })
		}
		known = rate.NewLimiter(l.every, max(1, int(float64(l.every)*burstSeconds)))
		l.owners[owner] = known
	}
	return known
}

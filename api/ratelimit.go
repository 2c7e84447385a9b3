package api

import (
	"fmt"
	"maps"
	"net/http"
	"sync"

	"golang.org/x/time/rate"
)

// burstSeconds says how many changes an owner may request at once: as many as are allowed in this
// many seconds.
const burstSeconds = 10

// manyOwners is the number of owners from which a limiter forgets idle ones: owners that have
// requested nothing for burstSeconds may request a whole burst again, and need not be remembered.
const manyOwners = 1024

// A limiter limits how many changes each owner may request per second. It is not an LRU cache,
// which would also forget owners that are not idle.
type limiter struct {
	every rate.Limit

	mu     sync.Mutex
	owners map[string]*rate.Limiter
}

// newLimiter returns a limiter of this number of changes a second for each owner. For 0 it returns
// nil, which allows everything.
func newLimiter(perSecond float64) *limiter {
	if perSecond == 0 {
		return nil
	}
	return &limiter{every: rate.Limit(perSecond), owners: map[string]*rate.Limiter{}}
}

// allow counts a change that an owner requests. It returns the problem to respond with if that is
// one too many, and nil otherwise.
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

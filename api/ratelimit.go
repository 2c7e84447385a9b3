package api

import (
	"fmt"
	"maps"
	"net/http"
	"sync"

	"golang.org/x/time/rate"
)

// burstSeconds is how many seconds' worth of changes an owner may ask for at once.
const burstSeconds = 10

// enoughOwners is how many owners a limiter remembers before it forgets those who have
// asked for nothing for burstSeconds: they may do as much as one whom it never saw.
const manyOwners = 1024

// A limiter bounds how often each owner changes something.
type limiter struct {
	every rate.Limit

	mu     sync.Mutex
	owners map[string]*rate.Limiter
}

// newLimiter allows so many changes a second; nil, which allows all, where
// that is 0.
func newLimiter(perSecond float64) *limiter {
	if perSecond == 0 {
		return nil
	}
	return &limiter{every: rate.Limit(perSecond), owners: map[string]*rate.Limiter{}}
}

// allow counts a change of an owner's, or is the answer to one too many.
func (l *limiter) allow(owner string) *Problem {
	if l == nil {
		return nil
	}
	turn := l.limiterOf(owner).Reserve()
	wait := turn.Delay()
	if wait == 0 {
		return nil
	}
	turn.Cancel() // nobody waits here for it
	p := newProblem(http.StatusTooManyRequests, "rate_limited",
		fmt.Sprintf("more than %g changes a second, which is the limit here; try again in a moment", float64(l.every)))
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

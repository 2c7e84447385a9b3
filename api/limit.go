package api

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/time/rate"
)

// burstSeconds is how many seconds' worth of submissions an owner may send at
// once.
const burstSeconds = 10

// A limiter bounds how often each owner submits. Owners are as many as there are
// keys, so that none is forgotten.
type limiter struct {
	every rate.Limit

	mu     sync.Mutex
	owners map[string]*rate.Limiter
}

// newLimiter allows so many submissions a second; nil, which allows all, where
// that is 0.
func newLimiter(perSecond float64) *limiter {
	if perSecond == 0 {
		return nil
	}
	return &limiter{every: rate.Limit(perSecond), owners: map[string]*rate.Limiter{}}
}

// allow counts a submission of an owner, or is the answer to one too many.
func (l *limiter) allow(owner string) error {
	if l == nil {
		return nil
	}
	turn := l.of(owner).Reserve()
	wait := turn.Delay()
	if wait == 0 {
		return nil
	}
	turn.Cancel() // nobody waits here for it
	p := newProblem(http.StatusTooManyRequests, "rate_limited",
		fmt.Sprintf("more than %g submissions a second, which is the limit here; try again in a moment", float64(l.every)))
	p.header = http.Header{"Retry-After": {strconv.Itoa(int(math.Ceil(wait.Seconds())))}}
	return p
}

func (l *limiter) of(owner string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	known, ok := l.owners[owner]
	if !ok {
		known = rate.NewLimiter(l.every, max(1, int(float64(l.every)*burstSeconds)))
		l.owners[owner] = known
	}
	return known
}

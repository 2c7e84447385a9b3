package api

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// uploadTimeout is how long a submission waits for a place and memory before it is refused.
const uploadTimeout = 5 * time.Second

// A transfer is a submission that is being received. It holds one place for uploads, and memory for
// its body, as much as the request declares.
type transfer struct {
	server *Server
	owner  string
	size   int64 // largest size of the body, in bytes

	mu     sync.Mutex
	memory int64              // reserved, in bytes
	body   *minimumRateReader // nil until it is read
}

// receive waits until there is a place and memory for a submission with a body of at most size
// bytes. The caller ends the transfer with end.
func (s *Server) receive(ctx context.Context, owner string, size int64) (*transfer, error) {
	until := time.Now().Add(uploadTimeout)
	if err := s.pools.uploads.reserve(ctx, owner, 1, uploadTimeout); err != nil {
		return nil, s.retryLater(ctx, owner, err)
	}
	if err := s.pools.memory.reserve(ctx, owner, size, time.Until(until)); err != nil {
		s.pools.uploads.release(owner, 1)
		return nil, s.retryLater(ctx, owner, err)
	}
	a := &transfer{server: s, owner: owner, size: size, memory: size}
	s.transfers.Store(a, true)
	return a, nil
}

// reserveMore waits for memory for further bytes. Together with what the form took they are at most
// the size of one submission.
func (a *transfer) reserveMore(ctx context.Context, bytes int64) error {
	if err := a.server.pools.memory.reserve(ctx, a.owner, bytes, uploadTimeout); err != nil {
		return a.server.retryLater(ctx, a.owner, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.memory += bytes
	return nil
}

// shrinkTo releases the memory beyond the given number of bytes.
func (a *transfer) shrinkTo(bytes int64) {
	a.mu.Lock()
	surplus := a.memory - bytes
	if surplus > 0 {
		a.memory = bytes
	}
	a.mu.Unlock()
	if surplus > 0 {
		a.server.pools.memory.release(a.owner, surplus)
	}
}

// end releases all that the transfer holds.
func (a *transfer) end() {
	a.server.transfers.Delete(a)
	a.shrinkTo(0)
	a.server.pools.uploads.release(a.owner, 1)
}

// enforceMinimumRate applies [enforceMinimumRate] to the body of r.
func (a *transfer) enforceMinimumRate(w http.ResponseWriter, r *http.Request) (done func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.body, done = enforceMinimumRate(w, r, a.server.Stall)
	return done
}

// remaining estimates how long the rest of the body takes, from the rate at which it came so far.
func (a *transfer) remaining() time.Duration {
	a.mu.Lock()
	body := a.body
	a.mu.Unlock()
	if body == nil {
		return 0
	}
	read := body.read.Load()
	if read == 0 {
		return a.server.Stall
	}
	took := float64(time.Since(body.began))
	return min(time.Duration(took/float64(read)*float64(max(0, a.size-read))), maxTransferTime)
}

// retryLater is the response to a submission that got no place or memory in time. Its Retry-After
// is the estimated end of the first transfer that would release some: one of the same owner if that
// owner's share is used up, else any.
func (s *Server) retryLater(ctx context.Context, owner string, err error) error {
	answer := s.problem(ctx, "receive a submission", err)
	p := (*Problem)(nil)
	if !errors.As(answer, &p) || p.header == nil {
		return answer
	}
	soonest := maxTransferTime
	for a := range s.transfers.Range {
		if a := a.(*transfer); a.owner == owner || !errors.Is(err, errShareUsed) {
			soonest = min(soonest, a.remaining())
		}
	}
	p.header.Set("Retry-After", inSeconds(soonest))
	return p
}

// inSeconds formats a duration for Retry-After: whole seconds, rounded up, at least 1.
func inSeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

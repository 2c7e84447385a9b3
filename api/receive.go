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

// uploadTimeout is how long a submission waits for a place and for memory before it is refused.
const uploadTimeout = 5 * time.Second

// A transfer is a submission that is being received. It holds one of the places for submissions,
// and as much memory as the request says that its body has.
type transfer struct {
	server *Server
	owner  string
	size   int64 // largest size of the body, in bytes

	mu     sync.Mutex
	memory int64              // reserved, in bytes
	body   *minimumRateReader // nil until it is read
}

// receive waits until there is a place and memory for a submission whose body has at most size
// bytes. The caller must call end on the transfer.
func (s *Server) receive(ctx context.Context, owner string, size int64) (*transfer, error) {
	until := time.Now().Add(uploadTimeout)
	if err := s.pools.uploads.reserve(ctx, owner, 1, uploadTimeout); err != nil {
		return nil, s.retryLater(ctx, owner, err)
	}
	if err := s.pools.memory.reserve(ctx, owner, size, time.Until(until)); err != nil {
		s.pools.uploads.release(owner, 1)
		return nil, s.retryLater(ctx, owner, err)
	}
	t := &transfer{server: s, owner: owner, size: size, memory: size}
	s.transfers.Store(t, true)
	return t, nil
}

// reserveMore waits for memory for this many further bytes. All that the transfer then holds must
// not be more than the largest submission takes.
func (t *transfer) reserveMore(ctx context.Context, bytes int64) error {
	if err := t.server.pools.memory.reserve(ctx, t.owner, bytes, uploadTimeout); err != nil {
		return t.server.retryLater(ctx, t.owner, err)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.memory += bytes
	return nil
}

// shrinkTo releases the memory that the transfer holds beyond this many bytes.
func (t *transfer) shrinkTo(bytes int64) {
	t.mu.Lock()
	surplus := t.memory - bytes
	if surplus > 0 {
		t.memory = bytes
	}
	t.mu.Unlock()
	if surplus > 0 {
		t.server.pools.memory.release(t.owner, surplus)
	}
}

// end releases all that the transfer holds.
func (t *transfer) end() {
	t.server.transfers.Delete(t)
	t.shrinkTo(0)
	t.server.pools.uploads.release(t.owner, 1)
}

// enforceMinimumRate applies [enforceMinimumRate] to the body of r.
func (t *transfer) enforceMinimumRate(w http.ResponseWriter, r *http.Request) (done func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.body, done = enforceMinimumRate(w, r, t.server.Stall)
	return done
}

// remaining estimates how long the rest of the body will take, at the rate at which it has come so
// far.
func (t *transfer) remaining() time.Duration {
	t.mu.Lock()
	body := t.body
	t.mu.Unlock()
	if body == nil {
		return 0
	}
	read := body.read.Load()
	if read == 0 {
		return t.server.Stall
	}
	took := float64(time.Since(body.began))
	return min(time.Duration(took/float64(read)*float64(max(0, t.size-read))), maxTransferTime)
}

// retryLater returns the problem for a submission that got no place or memory in time. Its
// Retry-After is the estimated end of the first transfer that would help: a transfer of the same
// owner if the owner's share is used up, and otherwise any transfer.
func (s *Server) retryLater(ctx context.Context, owner string, err error) error {
	response := s.problem(ctx, "receive a submission", err)
	p := (*Problem)(nil)
	if !errors.As(response, &p) || p.header == nil {
		return response
	}
	soonest := maxTransferTime
	for t := range s.transfers.Range {
		if t := t.(*transfer); t.owner == owner || !errors.Is(err, errShareUsed) {
			soonest = min(soonest, t.remaining())
		}
	}
	p.header.Set("Retry-After", inSeconds(soonest))
	return p
}

// inSeconds returns a duration as a Retry-After: in whole seconds, rounded up, at least 1.
func inSeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

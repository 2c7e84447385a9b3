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

// uploadPatience is for how long a submission waits for its turn before it is told to
// come back.
const uploadTimeout = 5 * time.Second

// An arrival is a submission whose turn it is to be received: it holds one place, and
// memory for its body, as large as it says that it is.
type transfer struct {
	server *Server
	owner  string
	size   int64 // of the body at most, in bytes

	mu     sync.Mutex
	memory int64              // that it holds, in bytes
	body   *minimumRateReader // nil before it is read
}

// receive waits for the turn of a submission with a body of so many bytes at most. The
// caller ends it by leave.
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

// more waits for memory for so many bytes besides, as much of the size of one submission
// as is left: what the form has had of it counts.
func (a *transfer) reserveMore(ctx context.Context, bytes int64) error {
	if err := a.server.pools.memory.reserve(ctx, a.owner, bytes, uploadTimeout); err != nil {
		return a.server.retryLater(ctx, a.owner, err)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.memory += bytes
	return nil
}

// keep gives back the memory beyond so many bytes.
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

// leave gives back all.
func (a *transfer) end() {
	a.server.transfers.Delete(a)
	a.shrinkTo(0)
	a.server.pools.uploads.release(a.owner, 1)
}

// pace reads the body of r under pressure: see [pace].
func (a *transfer) enforceMinimumRate(w http.ResponseWriter, r *http.Request) (done func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.body, done = enforceMinimumRate(w, r, a.server.Stall)
	return done
}

// left is how long the rest of the body takes if it comes as fast as the beginning did.
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

// comeBack is the answer to a submission whose turn did not come: when it may, by how
// the others come in that it would have to wait for.
func (s *Server) retryLater(ctx context.Context, owner string, err error) error {
	answer := s.problem(ctx, "let a submission in", err)
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

// inSeconds is a duration as Retry-After has it, rounded up, and one second at least.
func inSeconds(d time.Duration) string {
	return strconv.Itoa(max(1, int(math.Ceil(d.Seconds()))))
}

package api

import (
	"context"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// DefaultMaxWait is used if [Config.MaxWait] is 0.
const DefaultMaxWait = 20 * time.Second

// How long a waiting request pauses between two reads of the job; each read takes two or three file
// operations. The pause grows with the number of waiting requests, so that a hundred of them cost
// the store little more than one. It also grows with the time waited so far: a change is noticed at
// most an eighth of that time late.
const (
	minPause       = 10 * time.Millisecond
	maxPause       = 500 * time.Millisecond
	pausePerWaiter = 5 * time.Millisecond
)

func (s *Server) pollPause(waited time.Duration) time.Duration {
	return min(max(minPause, time.Duration(s.pools.waits.used())*pausePerWaiter, waited/8), maxPause)
}

// waitForChange waits until an unfinished job differs from what the client knows, and returns it.
// It returns the job unchanged when the time is over that the client asked for or that the server
// allows, when the server stops, and at once if too many requests are waiting, in total or of this
// owner.
func (s *Server) waitForChange(ctx context.Context, j job.Job, in *getJobInput) (job.Job, error) {
	initial := j.State
	unchanged := func() bool {
		if in.IfNoneMatch != "" {
			return etagMatches(in.IfNoneMatch, etagOfJob(j))
		}
		return j.State == initial
	}
	if j.State.Finished() || !unchanged() {
		return j, nil
	}
	owner := callerOf(ctx).owner
	if s.pools.waits.tryReserve(owner, 1) != nil {
		return j, nil
	}
	defer s.pools.waits.release(owner, 1)
	limit := time.NewTimer(min(time.Duration(in.Wait)*time.Second, s.MaxWait))
	defer limit.Stop()
	for began := time.Now(); !j.State.Finished() && unchanged(); {
		select {
		case <-time.After(s.pollPause(time.Since(began))):
		case <-limit.C:
			return j, nil
		case <-s.stopping:
			return j, nil
		case <-ctx.Done():
			return j, ctx.Err()
		}
		var err error
		if j, err = s.readJob(ctx, in.ID); err != nil {
			return j, err
		}
	}
	return j, nil
}

// EndWaits makes all requests with ?wait, present and later ones, return the job at once, so that
// they don't delay a graceful stop. It is meant for [net/http.Server.RegisterOnShutdown].
func (s *Server) EndWaits() { s.endWaits() }

package api

import (
	"context"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// DefaultMaxWait is [Config.MaxWait] where that is 0.
const DefaultMaxWait = 20 * time.Second

// How long a waiting request leaves the store alone between two looks, each of
// which is two or three operations on its files: the longer, the more wait, so that
// a hundred of them ask little more of the store than one, and the longer it has
// waited: a change is seen late by an eighth of the time that it took.
const (
	minPause       = 10 * time.Millisecond
	maxPause       = 500 * time.Millisecond
	pausePerWaiter = 5 * time.Millisecond
)

func (s *Server) pollPause(waited time.Duration) time.Duration {
	return min(max(minPause, time.Duration(s.pools.waits.used())*pausePerWaiter, waited/8), maxPause)
}

// await looks at an unfinished job until it is not what the client knows any
// more, and answers it as it was seen last. It may be over sooner: at the
// server's limit of time, at once where too many wait already or as many of the
// caller's own as its share is, and when the server stops.
func (s *Server) waitForChange(ctx context.Context, j job.Job, in *getJobInput) (job.Job, error) {
	arrived := j.State
	known := func() bool {
		if in.IfNoneMatch != "" {
			return etagMatches(in.IfNoneMatch, etagOfJob(j))
		}
		return j.State == arrived
	}
	if j.State.Finished() || !known() {
		return j, nil
	}
	owner := callerOf(ctx).owner
	if s.pools.waits.tryReserve(owner, 1) != nil {
		return j, nil
	}
	defer s.pools.waits.release(owner, 1)
	over := time.NewTimer(min(time.Duration(in.Wait)*time.Second, s.MaxWait))
	defer over.Stop()
	for began := time.Now(); !j.State.Finished() && known(); {
		select {
		case <-time.After(s.pollPause(time.Since(began))):
		case <-over.C:
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

// EndWaits answers the requests that wait for a job to change, now and from now
// on, as it stands: they must not hold up a graceful stop. It is for
// [net/http.Server.RegisterOnShutdown].
func (s *Server) EndWaits() { s.endWaits() }

package api

import (
	"context"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// sendTimeout bounds the wait for the queue.
const sendTimeout = 10 * time.Second

// unannounced is the age from which a job that nobody has begun may have been
// forgotten between being stored and being announced. Younger than that, the
// request that made it is probably about to; but who repeats a request after a
// 503 must not be left to the sweeper.
const enqueueGrace = time.Second

// announceEvery is how often a run is announced at most because a request is repeated.
const enqueueInterval = 10 * time.Second

// maxRecentRuns limits the runs whose messages this process remembers. Beyond 400 submissions
// a second, a repeated request finds its message in the store instead.
const maxRecentRuns = 4096

// message announces a run of a job of an owner.
func message(ctx context.Context, id job.ID, run int, owner string) job.Message {
	return job.Message{Job: id, Run: run, Group: job.Group(owner), Request: requestID(ctx)}
}

// announce tells the workers of a run. The client's hanging up must not leave a
// job half announced.
func (s *Server) enqueue(ctx context.Context, m job.Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	return s.Queue.Send(ctx, m)
}

// announceNoted is announce for what may be asked for again.
func (s *Server) enqueueAndRemember(ctx context.Context, m job.Message) error {
	err := s.enqueue(ctx, m)
	if err == nil {
		s.recentRuns.add(m.Encode(), time.Now())
	}
	return err
}

// announceAgain announces a job's current run where nobody can say whether that
// was done before: twice does no harm, but many messages for one job would fill the
// queue, and hide from the sweeper that others are missing. made: this request made the
// run.
func (s *Server) enqueueAgain(ctx context.Context, j job.Job, made bool) error {
	m := message(ctx, j.ID, j.Run, j.Owner)
	if s.recentRuns.has(m.Encode(), time.Now()) {
		return nil
	}
	_, err, _ := s.enqueueing.Do(m.Encode(), func() (any, error) { // requests at the same time have one fate
		if s.recentRuns.has(m.Encode(), time.Now()) {
			return nil, nil
		}
		if !made {
			// An error is no reason not to announce it.
			if lately, err := s.Store.AnnouncedLately(j, enqueueInterval); err == nil && lately {
				return nil, nil
			}
		}
		if err := s.enqueueAndRemember(ctx, m); err != nil {
			return nil, err
		}
		if err := s.Store.Announced(store.EntryOf(j)); err != nil {
			s.log(ctx).Warn("note an announcement", "job", j.ID, "error", err) // then the sweeper announces it sooner
		}
		return nil, nil
	})
	return err
}

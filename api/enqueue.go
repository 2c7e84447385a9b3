package api

import (
	"context"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// sendTimeout is the time limit for sending a message.
const sendTimeout = 10 * time.Second

// enqueueGrace is the age from which a repeated request enqueues a job that no worker has started:
// the request that made the job may have stored it and failed before it enqueued it. For a younger
// job, that request is probably still running. It is short, because a client that repeats a request
// after a 503 must not have to wait for the sweeper.
const enqueueGrace = time.Second

// enqueueInterval is the shortest time between two messages of one run that repeated requests
// cause.
const enqueueInterval = 10 * time.Second

// maxRecentRuns limits the runs whose messages this process remembers for enqueueInterval. Above
// 400 runs a second, repeated requests read the time of the last message from the store instead.
const maxRecentRuns = 4096

// message returns the message that names a run of an owner's job.
func message(ctx context.Context, id job.ID, run int, owner string) job.Message {
	return job.Message{Job: id, Run: run, Group: job.Group(owner), Request: requestID(ctx)}
}

// enqueue sends a message. It does so even if the client disconnects.
func (s *Server) enqueue(ctx context.Context, m job.Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	return s.Queue.Send(ctx, m)
}

// enqueueAndRemember is enqueue for requests that may be repeated.
func (s *Server) enqueueAndRemember(ctx context.Context, m job.Message) error {
	err := s.enqueue(ctx, m)
	if err == nil {
		s.recentRuns.add(m.Encode(), time.Now())
	}
	return err
}

// enqueueAgain enqueues a job's current run, which may have been enqueued before, unless a message
// of it was sent in the last enqueueInterval. Two messages of one run do no harm, but many would
// fill the queue, and the sweeper, which compares counts, would not notice that others are missing.
// created reports whether this request made the run.
func (s *Server) enqueueAgain(ctx context.Context, j job.Job, created bool) error {
	m := message(ctx, j.ID, j.Run, j.Owner)
	if s.recentRuns.has(m.Encode(), time.Now()) {
		return nil
	}
	_, err, _ := s.enqueueing.Do(m.Encode(), func() (any, error) { // concurrent requests share one result
		if s.recentRuns.has(m.Encode(), time.Now()) {
			return nil, nil
		}
		if !created {
			// After an error the message is sent, to be safe.
			if lately, err := s.Store.MessageSentLately(j, enqueueInterval); err == nil && lately {
				return nil, nil
			}
		}
		if err := s.enqueueAndRemember(ctx, m); err != nil {
			return nil, err
		}
		if err := s.Store.RecordMessageSent(store.EntryOf(j)); err != nil {
			s.log(ctx).Warn("record the time of a message", "job", j.ID, "error", err) // then the sweeper sends it again sooner
		}
		return nil, nil
	})
	return err
}

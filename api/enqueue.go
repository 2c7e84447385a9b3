package api

import (
	"context"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// sendTimeout limits how long sending a message to the queue may take.
const sendTimeout = 10 * time.Second

// enqueueGrace is the age of a job from which a repeated request enqueues it again, if no worker
// has started it. The first request may have stored the job and failed before it enqueued it. While
// the job is younger, the first request is probably still running. The time is short, so that a
// client that repeats a request after a 503 does not have to wait for the sweeper.
const enqueueGrace = time.Second

// enqueueInterval is the shortest time between two messages for the same run that repeated requests
// cause.
const enqueueInterval = 10 * time.Second

// maxRecentRuns limits for how many runs this process remembers that it has sent a message. It is
// enough for 400 runs a second in enqueueInterval. With more, repeated requests read the time of
// the last message from the store instead.
const maxRecentRuns = 4096

// message returns the message that names a run of an owner's job.
func message(ctx context.Context, id job.ID, run int, owner string) job.Message {
	return job.Message{Job: id, Run: run, Group: job.Group(owner), Request: requestID(ctx)}
}

// enqueue sends a message to the queue, even if the client disconnects meanwhile.
func (s *Server) enqueue(ctx context.Context, m job.Message) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), sendTimeout)
	defer cancel()
	return s.Queue.Send(ctx, m)
}

// enqueueAndRemember is enqueue for a request that may be repeated: it remembers that the message
// was sent.
func (s *Server) enqueueAndRemember(ctx context.Context, m job.Message) error {
	err := s.enqueue(ctx, m)
	if err == nil {
		s.recentRuns.add(m.Encode(), time.Now())
	}
	return err
}

// enqueueAgain enqueues a job's current run, which may have been enqueued before. It does nothing
// if a message for the run was sent in the last enqueueInterval. Two messages for one run do no
// harm. Many would fill the queue, and the sweeper, which compares the numbers of messages and
// jobs, would not notice that the messages of other jobs are missing. created reports whether this
// request began the run.
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
			// If the store can't be asked, the message is sent, because a second message does no
			// harm.
			if lately, err := s.Store.MessageSentLately(j, enqueueInterval); err == nil && lately {
				return nil, nil
			}
		}
		if err := s.enqueueAndRemember(ctx, m); err != nil {
			return nil, err
		}
		if err := s.Store.RecordMessageSent(store.EntryOf(j)); err != nil {
			s.log(ctx).Warn("could not record that a job's message was sent; the sweeper will send another one", "job", j.ID, "error", err)
		}
		return nil, nil
	})
	return err
}

package sweeper

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// resendLost sends jobs again whose messages seem to be lost:
//
//   - Overtaken jobs: a worker has, or had lately, a job of the same owner that was submitted much
//     later. A queue is not strictly in order, but it does not delay a message by minutes.
//   - The oldest jobs, as many as messages are missing: the unfinished jobs, as far as they were
//     counted, minus the messages.
//   - In each sweep a few of the jobs that have waited for long, because there may be several
//     messages of one job and none of another. A surplus message does no harm: its receiver finds
//     the job claimed or finished.
func (s *Sweeper) resendLost(ctx context.Context, r *findings, m *jobsProgress, complete bool, now time.Time) error {
	slices.SortFunc(r.waiting, func(a, b waitingJob) int {
		return cmp.Or(a.messageSent.Compare(b.messageSent), cmp.Compare(a.ID, b.ID))
	})
	depth, err := s.Queue.Depth(ctx)
	if err != nil {
		return err
	}
	m.compareDepth(r, complete, depth.Total())
	var overtaken, lost, long []job.Job
	for _, w := range r.waiting {
		switch {
		case m.wasOvertaken(w, s.overtakingMargin()):
			overtaken = append(overtaken, w.Job)
		case m.Shortfalls >= minShortfalls && len(overtaken)+len(lost) < m.Missing:
			lost = append(lost, w.Job)
		case now.Sub(w.messageSent) > longWaitSweeps*s.Every && len(long) < maxLongWaiting:
			long = append(long, w.Job)
		}
	}
	if err := s.resend(ctx, "a later job of its owner is running", overtaken); err != nil {
		return err
	}
	if err := s.resend(ctx, "its message seems to be lost", lost); err != nil {
		return err
	}
	m.Missing = max(0, m.Missing-len(overtaken)-len(lost))
	return s.resend(ctx, "it has waited for a long time", long)
}

// compareDepth compares the number of unfinished jobs with the number of messages. Before all jobs
// are counted, too few messages show a loss, but enough messages show nothing. Jobs that were
// counted early in a pass may have finished since, with their messages, so the number of messages
// at the start of the pass must be too low as well.
//
// The number of missing messages is kept for the next sweeps, because each sweep of a pass can send
// only those jobs again that it has checked.
func (m *jobsProgress) compareDepth(r *findings, complete bool, messages int) {
	if r.first {
		m.Messages = messages
	}
	missing := max(m.Counted, r.unfinished) - max(m.Messages, messages)
	switch {
	case missing > 0 && complete:
		m.Shortfalls, m.Missing = m.Shortfalls+1, missing
	case missing > 0:
		m.Shortfalls, m.Missing = m.Shortfalls+1, max(m.Missing, missing)
	case complete:
		m.Shortfalls, m.Missing = 0, 0
	}
}

// maxClaimed is the largest number of owners in Claimed, because a note has at most 64 KiB.
const maxClaimed = 500

// recordClaims records for each owner when the youngest claimed run began, in milliseconds since
// 1970. A sweep checks overtaken jobs before the running ones, some of which it may leave to the
// next sweep, so these times are kept from sweep to sweep. Times before the given one are dropped.
func (m *jobsProgress) recordClaims(claimed map[string]time.Time, before time.Time) {
	all := map[string]int64{} // a new map, because another goroutine may be encoding the old one
	maps.Copy(all, m.Claimed)
	for owner, at := range claimed {
		hash := job.OwnerHash(owner)
		all[hash] = max(all[hash], at.UnixMilli())
	}
	first := before.UnixMilli()
	if len(all) > maxClaimed {
		times := slices.Sorted(maps.Values(all))
		first = max(first, times[len(times)-maxClaimed])
	}
	maps.DeleteFunc(all, func(_ string, at int64) bool { return at < first })
	m.Claimed = all
}

// wasOvertaken reports whether a worker has claimed a run of the job's owner that began more than
// the given time after the job was sent.
func (m *jobsProgress) wasOvertaken(w waitingJob, by time.Duration) bool {
	return m.Claimed[job.OwnerHash(w.Owner)] > w.latest().Add(by).UnixMilli()
}

// overtakingMargin is how long after a job was sent a claimed run must have begun to show that the
// job's message is lost. When the claimed run was sent shows nothing, because it may have been sent
// again.
func (s *Sweeper) overtakingMargin() time.Duration { return 5 * s.Every }

// resend sends jobs again, in batches, and records in the store what was sent.
func (s *Sweeper) resend(ctx context.Context, why string, jobs []job.Job) error {
	const batch = 10
	for some := range slices.Chunk(jobs, batch*concurrency) {
		errs := make(chan error, batch*concurrency)
		forEach(ctx, slices.Collect(slices.Chunk(some, batch)), func(batch []job.Job) {
			if err := s.resendBatch(ctx, why, batch); err != nil {
				errs <- err
			}
		})
		select {
		case err := <-errs:
			return err
		default:
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (s *Sweeper) resendBatch(ctx context.Context, why string, jobs []job.Job) error {
	var runs []job.Message
	for _, j := range jobs {
		runs = append(runs, job.Message{Job: j.ID, Run: j.Run, Group: job.Group(j.Owner)})
	}
	if err := s.Queue.SendAll(ctx, runs); err != nil {
		return err
	}
	s.resent.Add(int64(len(jobs)))
	for _, j := range jobs {
		s.Log.Info("sent again", "job", j.ID, "run", j.Run, "because", why)
		if err := s.Store.RecordMessageSent(store.EntryOf(j)); err != nil {
			return err
		}
	}
	return nil
}

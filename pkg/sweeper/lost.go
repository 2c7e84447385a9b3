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

// sendLost sends jobs again whose messages the queue seems to have lost:
//
//   - Those that were overtaken: a worker is, or was lately, at a job of the same owner that was asked for much later. A queue
//     keeps no strict order, but it is not off by minutes.
//   - As many as there are fewer messages than unfinished jobs, as far as these were counted, oldest first.
//   - Of those that have waited for long, a few in each sweep, since there may be several messages of one job
//     and none of another. One too many does no harm: whoever receives it finds the job claimed or finished.
func (s *Sweeper) sendLost(ctx context.Context, r *round, m *jobsMemory, complete bool, now time.Time) error {
	slices.SortFunc(r.waiting, func(a, b waiting) int { return cmp.Or(a.announced.Compare(b.announced), cmp.Compare(a.ID, b.ID)) })
	depth, err := s.Queue.Depth(ctx)
	if err != nil {
		return err
	}
	m.compare(r, complete, depth.Total())
	var overtaken, lost, long []job.Job
	for _, w := range r.waiting {
		switch {
		case m.overtook(w, s.overtaking()):
			overtaken = append(overtaken, w.Job)
		case m.Shortfalls >= patience && len(overtaken)+len(lost) < m.Missing:
			lost = append(lost, w.Job)
		case now.Sub(w.announced) > longSilence*s.Every && len(long) < trickle:
			long = append(long, w.Job)
		}
	}
	if err := s.send(ctx, "later ones are being painted", overtaken); err != nil {
		return err
	}
	if err := s.send(ctx, "the queue seems to have lost it", lost); err != nil {
		return err
	}
	m.Missing = max(0, m.Missing-len(overtaken)-len(lost))
	return s.send(ctx, "it has waited long", long)
}

// compare compares the jobs that are known to be unfinished with the messages on the queue. Before all jobs were looked at,
// too few messages tell something, and enough tell nothing. Jobs that were counted early in a round may have finished since,
// with their messages, so there are to be fewer messages than when it began, too.
//
// What is missing is remembered, since each sweep of a round can send again those alone that it has looked at.
func (m *jobsMemory) compare(r *round, complete bool, messages int) {
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

// mostClaimed is of how many owners Claimed has something: a note has 64 KiB at most.
const mostClaimed = 500

// noteClaims notes of owners when the youngest run was asked for that a worker is at, in milliseconds since 1970: the jobs
// that these have overtaken are looked at first, and those that are worked on last, maybe by another sweep. What is of before a
// time says nothing any more.
func (m *jobsMemory) noteClaims(claimed map[string]time.Time, before time.Time) {
	all := map[string]int64{} // another map, since the old one may be being written
	maps.Copy(all, m.Claimed)
	for owner, at := range claimed {
		hash := job.OwnerHash(owner)
		all[hash] = max(all[hash], at.UnixMilli())
	}
	first := before.UnixMilli()
	if len(all) > mostClaimed {
		times := slices.Sorted(maps.Values(all))
		first = max(first, times[len(times)-mostClaimed])
	}
	maps.DeleteFunc(all, func(_ string, at int64) bool { return at < first })
	m.Claimed = all
}

// overtook reports whether a run of a waiting job's owner is worked on that was asked for so much later than the job was
// sent.
func (m *jobsMemory) overtook(w waiting, by time.Duration) bool {
	return m.Claimed[job.OwnerHash(w.Owner)] > w.announced.Add(by).UnixMilli()
}

// overtaking is how much later a job must have been asked for than another was sent, to show by being at work that the
// other's message is lost. When it was sent itself shows nothing: it may have been sent again.
func (s *Sweeper) overtaking() time.Duration { return 5 * s.Every }

// send sends jobs again, a batch at a time as the queue takes them, and notes what was sent.
func (s *Sweeper) send(ctx context.Context, why string, jobs []job.Job) error {
	const batch = 10
	for some := range slices.Chunk(jobs, batch*atOnce) {
		errs := make(chan error, batch*atOnce)
		each(ctx, slices.Collect(slices.Chunk(some, batch)), func(batch []job.Job) {
			if err := s.sendBatch(ctx, why, batch); err != nil {
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

func (s *Sweeper) sendBatch(ctx context.Context, why string, jobs []job.Job) error {
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
		if err := s.Store.Announced(store.EntryOf(j)); err != nil {
			return err
		}
	}
	return nil
}

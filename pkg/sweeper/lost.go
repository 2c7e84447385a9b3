package sweeper

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// sendLost sends jobs again whose messages the queue seems to have lost:
//
//   - Those that were overtaken: a worker is at a job of the same owner that was asked for much later. A queue
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
	missing := m.Counted - depth.Total() // at least: a round may take several sweeps
	switch {
	case missing > 0:
		m.Shortfalls++
	case complete:
		m.Shortfalls = 0
	}
	var overtaken, lost, long []job.Job
	for _, w := range r.waiting {
		switch {
		case r.claimed[w.Owner].Sub(w.announced) > s.overtaking():
			overtaken = append(overtaken, w.Job)
		case m.Shortfalls >= patience && len(overtaken)+len(lost) < missing:
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
	return s.send(ctx, "it has waited long", long)
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

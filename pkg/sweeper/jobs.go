package sweeper

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// glance is how many active jobs a sweep looks at: the oldest, which are most
// likely to be in need, and as many others in turn. Each costs a handful of file
// operations.
const glance = 128

// patience is how many sweeps in a row must find fewer messages than jobs before
// messages count as lost: the queue's numbers are approximate, and a job is
// stored a moment before its message is sent.
const patience = 3

// stale is the age at which an entry without a job is that of a submission that
// died.
const stale = 10 * time.Minute

// jobs looks at active jobs and sends again, or ends, those that need it.
func (s *Sweeper) jobs(ctx context.Context, now time.Time, m *memory) error {
	ids, err := s.Store.Active()
	if err != nil {
		return err
	}
	unfinished := len(ids)
	var abandoned, waiting []job.Message
	var errs []error
	for _, id := range s.choose(ids, m) {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		c, err := s.Store.Checkup(id, now, stale)
		run := job.Message{Job: id, Run: c.Job.Run}
		switch {
		case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone):
			unfinished-- // and is tidied up now
		case errors.Is(err, job.ErrNotFound):
			unfinished-- // about to be made, or never to be
		case err != nil:
			errs = append(errs, err)
		case now.Sub(c.RunBegan) > s.MaxAge:
			errs = append(errs, s.timeOut(run))
			unfinished--
		case c.Abandoned:
			abandoned = append(abandoned, run)
		case !c.Leased && now.Sub(c.Announced) > s.silence(c.Announced.Sub(c.RunBegan)):
			waiting = append(waiting, run)
		}
	}
	errs = append(errs, s.send(ctx, "its worker died", abandoned), s.sendLost(ctx, waiting, unfinished, m))
	return errors.Join(errs...)
}

// silence is how long to wait before a job's message is taken for lost: as long
// as it has been waiting when it was last sent, so that the intervals double.
func (s *Sweeper) silence(waited time.Duration) time.Duration {
	return max(waited, 2*s.Every)
}

// choose picks the jobs to look at: the oldest, and then some from where the
// last sweep left off.
func (s *Sweeper) choose(ids []job.ID, m *memory) []job.ID {
	if len(ids) <= 2*glance {
		m.Cursor = ""
		return ids
	}
	others := ids[glance:]
	from, _ := slices.BinarySearch(others, m.Cursor+"~") // after the cursor: no id has a ~
	if from == len(others) {
		from = 0
	}
	turn := others[from:min(from+glance, len(others))]
	m.Cursor = turn[len(turn)-1]
	return append(slices.Clone(ids[:glance]), turn...)
}

func (s *Sweeper) timeOut(run job.Message) error {
	_, err := s.Store.Fail(run.Job, run.Run, job.Failure{
		Code: job.CodeTimedOut, Message: "not finished within " + s.MaxAge.String() + "; a retry may help",
	})
	if errors.Is(err, job.ErrFinished) {
		return nil
	}
	if err == nil {
		s.Log.Warn("timed out", "job", run.Job, "run", run.Run)
	}
	return err
}

// sendLost sends jobs again whose messages the queue seems to have lost: as many
// as there are fewer messages than unfinished jobs, oldest first.
func (s *Sweeper) sendLost(ctx context.Context, waiting []job.Message, unfinished int, m *memory) error {
	depth, err := s.Queue.Depth(ctx)
	if err != nil {
		return err
	}
	missing := unfinished - depth.Total()
	if missing <= 0 {
		m.Surplus = 0
		return nil
	}
	if m.Surplus++; m.Surplus < patience {
		return nil
	}
	return s.send(ctx, "the queue seems to have lost it", waiting[:min(missing, len(waiting))])
}

func (s *Sweeper) send(ctx context.Context, why string, runs []job.Message) error {
	for batch := range slices.Chunk(runs, 10) { // as the queue takes them, so that what was sent is noted
		if err := s.Queue.SendAll(ctx, batch); err != nil {
			return err
		}
		for _, run := range batch {
			s.Log.Info("sent again", "job", run.Job, "run", run.Run, "because", why)
			if err := s.Store.Announced(run.Job); err != nil {
				return err
			}
		}
	}
	return nil
}

package sweeper

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// glance is how many active jobs a sweep looks at: the oldest, which are most
// likely to be in need, and as many others in turn. Each costs a handful of file
// operations.
const glance = 128

// patience is how many sweeps in a row must find fewer messages than jobs before
// messages count as lost: the queue's numbers are approximate, and a job is
// stored a moment before its message is sent.
const patience = 3

// longSilence is after how many sweeps a job's message may be missing although the queue
// has as many as there are jobs.
const longSilence = 15

// stale is the age at which an entry without a job is that of a submission that
// died.
const stale = 10 * time.Minute

// jobs looks at active jobs and sends again, or ends, those that need it.
func (s *Sweeper) jobs(ctx context.Context, now time.Time, m *memory) error {
	active, err := s.Store.Active()
	if err != nil {
		return err
	}
	unfinished := len(active)
	var abandoned, waiting, long []job.Job
	var errs []error
	for _, entry := range s.choose(active, m) {
		if ctx.Err() != nil {
			return errors.Join(append(errs, ctx.Err())...)
		}
		c, err := s.Store.Checkup(entry, now, stale)
		switch {
		case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone):
			unfinished-- // and is tidied up now
		case errors.Is(err, job.ErrNotFound):
			unfinished-- // about to be made, or never to be
		case err != nil:
			errs = append(errs, err)
		case now.Sub(c.RunBegan) > s.MaxAge:
			errs = append(errs, s.timeOut(c.Job))
			unfinished--
		case c.Abandoned:
			abandoned = append(abandoned, c.Job)
		case !c.Leased && now.Sub(c.Announced) > s.silence(c.Announced.Sub(c.RunBegan)):
			waiting = append(waiting, c.Job)
			if now.Sub(c.Announced) > longSilence*s.Every {
				long = append(long, c.Job)
			}
		}
	}
	s.report.Unfinished = unfinished
	errs = append(errs, s.send(ctx, "its worker died", abandoned), s.sendLost(ctx, waiting, long, unfinished, m))
	return errors.Join(errs...)
}

// silence is how long to wait before a job's message is taken for lost: as long
// as it has been waiting when it was last sent, so that the intervals double.
func (s *Sweeper) silence(waited time.Duration) time.Duration {
	return max(waited, 2*s.Every)
}

// choose picks the jobs to look at: the oldest, and then some from where the
// last sweep left off.
func (s *Sweeper) choose(active []store.Entry, m *memory) []store.Entry {
	if len(active) <= 2*glance {
		m.Cursor = ""
		return active
	}
	others := active[glance:]
	from, found := slices.BinarySearchFunc(others, m.Cursor, func(e store.Entry, id job.ID) int { return strings.Compare(string(e.ID), string(id)) })
	if found {
		from++
	}
	if from == len(others) {
		from = 0
	}
	turn := others[from:min(from+glance, len(others))]
	m.Cursor = turn[len(turn)-1].ID
	return append(slices.Clone(active[:glance]), turn...)
}

func (s *Sweeper) timeOut(j job.Job) error {
	_, err := s.Store.Fail(j.ID, j.Run, job.Failure{
		Code: job.CodeTimedOut, Message: "not finished within " + s.MaxAge.String() + "; a retry may help",
	})
	if errors.Is(err, job.ErrFinished) {
		return nil
	}
	if err == nil {
		s.report.TimedOut++
		s.Log.Warn("timed out", "job", j.ID, "run", j.Run)
	}
	return err
}

// sendLost sends jobs again whose messages the queue seems to have lost: as many
// as there are fewer messages than unfinished jobs, oldest first. Where there are as many
// it is the oldest that was sent long ago, since there may be several messages of one job
// and none of another; one too many in each sweep is no burden.
func (s *Sweeper) sendLost(ctx context.Context, waiting, long []job.Job, unfinished int, m *memory) error {
	depth, err := s.Queue.Depth(ctx)
	if err != nil {
		return err
	}
	missing := unfinished - depth.Total()
	if missing <= 0 {
		m.Surplus = 0
		return s.send(ctx, "it has waited long", long[:min(1, len(long))])
	}
	if m.Surplus++; m.Surplus < patience {
		return nil
	}
	return s.send(ctx, "the queue seems to have lost it", waiting[:min(missing, len(waiting))])
}

func (s *Sweeper) send(ctx context.Context, why string, jobs []job.Job) error {
	for batch := range slices.Chunk(jobs, 10) { // as the queue takes them, so that what was sent is noted
		var runs []job.Message
		for _, j := range batch {
			runs = append(runs, job.Message{Job: j.ID, Run: j.Run, Group: job.Group(j.Owner)})
		}
		if err := s.Queue.SendAll(ctx, runs); err != nil {
			return err
		}
		s.report.Resent += len(batch)
		for _, j := range batch {
			s.Log.Info("sent again", "job", j.ID, "run", j.Run, "because", why)
			if err := s.Store.Announced(store.EntryOf(j)); err != nil {
				return err
			}
		}
	}
	return nil
}

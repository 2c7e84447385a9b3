package sweeper

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// atOnce is how many jobs a sweep looks at, or tasks of housekeeping it works on, at the same time. Each takes a
// handful of calls of the file server, one after the other.
const atOnce = 32

// oldest is how many of the oldest jobs each sweep looks at, which are most likely to be in need,
// where it has no time for all.
const oldest = 1000

// patience is how many sweeps in a row must find fewer messages than jobs before
// messages count as lost: the queue's numbers are approximate, and a job is
// stored a moment before its message is sent.
const patience = 3

// longSilence is after how many sweeps a job's message may be missing although the queue
// has as many as there are jobs, and trickle how many such jobs a sweep sends again.
const (
	longSilence = 15
	trickle     = 10
)

// mostWaiting is how many waiting jobs a sweep remembers, to send them again.
const mostWaiting = 20_000

// stale is the age at which an entry without a job is that of a submission that
// died.
const stale = 10 * time.Minute

// A round is what a sweep finds out of the active jobs.
type round struct {
	mu         sync.Mutex
	unfinished int // of those that were looked at
	late       int // of them: see lateAge
	abandoned  []job.Job
	waiting    []waiting
	claimed    map[string]time.Time // by owner: the youngest announcement of a job that a worker is at
	errs       []error
}

// A waiting job is one that no worker is at and that was not announced for a while.
type waiting struct {
	job.Job
	announced time.Time
}

// jobs looks at active jobs and sends again, or ends, those that need it: at all of them, the oldest
// first, as far as ctx allows; and else at the oldest and, in turn, at the others.
func (s *Sweeper) jobs(ctx context.Context, now time.Time, all *memory) error {
	m := all.Jobs // nobody else changes it
	defer func() {
		all.mu.Lock()
		all.Jobs = m
		all.mu.Unlock()
	}()
	var known store.Backlog
	var err error
	if !m.CountedAt.IsZero() { // before all else: it is the best that is known, also if this sweep dies
		known = s.backlog(&m, now)
		err = s.Store.SetBacklog(known)
	}
	look, cancel := half(ctx)
	defer cancel()
	folders, unlisted := s.Store.ActiveFolders(look)
	if unlisted != nil && folders == nil {
		return errors.Join(err, unlisted)
	}
	r := &round{claimed: map[string]time.Time{}}
	r.add(err)
	r.add(unlisted)
	err = nil
	if m.Cursor == "" {
		m.Counted, m.CountedLate = 0, 0
	} else {
		err = s.lookAt(look, folders, oldest, now, r, func(store.ActiveFolder) {})
	}
	seen, unfinished, late := r.unfinished, r.unfinished, r.late
	if err == nil {
		folders = slices.DeleteFunc(folders, func(f store.ActiveFolder) bool { return f.Position() <= m.Cursor })
		err = s.lookAt(look, folders, 0, now, r, func(f store.ActiveFolder) {
			m.Cursor = f.Position()
			m.Counted, m.CountedLate = m.Counted+r.unfinished-unfinished, m.CountedLate+r.late-late
			unfinished, late = r.unfinished, r.late
		})
	}
	switch {
	case err == nil: // it was the last
		m.counted(now)
	case ctx.Err() == nil && look.Err() != nil: // the next sweep goes on from there
		err = nil
	}
	found := s.backlog(&m, now)
	found.Unfinished = max(found.Unfinished, seen)
	s.report.Unfinished = found.Unfinished
	if found != known {
		err = errors.Join(err, s.Store.SetBacklog(found))
	}
	return errors.Join(append(r.errs, err, s.send(ctx, "its worker died", r.abandoned), s.sendLost(ctx, r, &m, now))...)
}

// checkup looks at a job. It may be called concurrently.
func (s *Sweeper) checkup(e store.Entry, now time.Time, r *round) {
	c, err := s.Store.Checkup(e, now, stale)
	old := err == nil && now.Sub(c.RunBegan) > s.MaxAge
	if old {
		err = s.timeOut(c.Job)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone), errors.Is(err, job.ErrNotFound):
		return // and is tidied up now; about to be made, or never to be
	case old && err == nil:
		return
	case err != nil:
		r.unfinished++
		r.errs = append(r.errs, err)
		return
	}
	r.unfinished++
	if !c.Leased && now.Sub(c.RunBegan) >= s.lateAge() {
		r.late++
	}
	switch {
	case c.Abandoned:
		r.abandoned = append(r.abandoned, c.Job)
	case c.Leased:
		if r.claimed[c.Job.Owner].Before(c.Announced) {
			r.claimed[c.Job.Owner] = c.Announced
		}
	case now.Sub(c.Announced) > s.silence(c.Announced.Sub(c.RunBegan)) && len(r.waiting) < mostWaiting:
		r.waiting = append(r.waiting, waiting{c.Job, c.Announced})
	}
}

// silence is how long to wait before a job's message is taken for lost: as long
// as it has been waiting when it was last sent, so that the intervals double.
func (s *Sweeper) silence(waited time.Duration) time.Duration {
	return max(waited, 2*s.Every)
}

func (s *Sweeper) timeOut(j job.Job) error {
	_, err := s.Store.Fail(j.ID, j.Run, job.Failure{
		Code: job.CodeTimedOut, Message: "not finished within " + s.MaxAge.String() + "; a retry may help",
	})
	if errors.Is(err, job.ErrFinished) {
		return nil
	}
	if err == nil {
		s.timedOut.Add(1)
		s.Log.Warn("timed out", "job", j.ID, "run", j.Run)
	}
	return err
}

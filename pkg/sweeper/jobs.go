package sweeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// atOnce is how many jobs a sweep looks at at the same time. Each takes a
// handful of calls of the file server, one after the other.
const atOnce = 32

// mostOldest is how many of the oldest jobs each sweep looks at, which are most likely to be in need,
// where it has no time for all.
const mostOldest = 1000

// patience is how many comparisons in a row must find fewer messages than jobs before
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
	first      bool // it begins a round through all jobs
	unfinished int  // of those that were looked at
	abandoned  []job.Job
	waiting    []waiting
	claimed    map[string]time.Time // by owner: when the youngest of the runs that a worker is at was asked for
	errs       failures

	counted map[string]count // by the folders that were looked at
}

// A count is of jobs.
type count struct {
	unfinished int
	late       int // of them: see lateAge
}

func (c count) plus(d count) count { return count{c.unfinished + d.unfinished, c.late + d.late} }

// A waiting job is one that no worker is at and that was not announced for a while.
type waiting struct {
	job.Job
	announced time.Time
	asked     time.Time
}

// latest is when it was asked for or sent.
func (w waiting) latest() time.Time {
	if w.asked.After(w.announced) {
		return w.asked
	}
	return w.announced
}

// failures are errors of many jobs, of which the first are kept.
type failures struct {
	errs []error
	more int
	away bool // the store, of which all others will say the same
}

const mostFailures = 10

func (f *failures) add(err error) {
	f.away = f.away || errors.Is(err, job.ErrStoreAway)
	switch {
	case err == nil:
	case len(f.errs) < mostFailures:
		f.errs = append(f.errs, err)
	default:
		f.more++
	}
}

func (f *failures) join() error {
	if f.more == 0 {
		return errors.Join(f.errs...)
	}
	return errors.Join(append(slices.Clone(f.errs), fmt.Errorf("and %d errors more", f.more))...)
}

// jobs looks at active jobs and sends again, or ends, those that need it: at all of them, the oldest
// first, as far as ctx allows; and else at the oldest and, in turn, at the others. What can't be read holds up nothing
// else.
func (s *Sweeper) jobs(ctx context.Context, now time.Time, all *memory) error {
	m := all.Jobs // nobody else changes it
	defer func() {
		all.mu.Lock()
		all.Jobs = m
		all.mu.Unlock()
	}()
	r := &round{first: m.Cursor == "", claimed: map[string]time.Time{}, counted: map[string]count{}}
	r.errs.add(s.renewBacklog(&m, now))
	look, cancel := half(ctx)
	defer cancel()
	folders, err := s.Store.ActiveFolders(look)
	r.errs.add(err) // of one owner; others are none the worse for it
	if len(folders) == 0 && err != nil {
		return r.errs.join()
	}
	if m.Cursor == "" {
		m.Counted, m.CountedLate = 0, 0
	} else {
		first, cancel := half(look) // the others get on too
		s.lookAt(first, folders, s.oldest, now, r)
		cancel()
	}
	seen := r.unfinished
	behind := slices.IndexFunc(folders, func(f store.ActiveFolder) bool { return f.Position() > m.Cursor })
	if behind < 0 {
		behind = len(folders)
	}
	complete, looks, came := true, 0, m.Cursor
	for some := range slices.Chunk(folders[behind:], atOnce) {
		done := 0
		if looks++; s.looks == 0 || looks <= s.looks {
			done = s.lookAt(look, some, 0, now, r)
		}
		for _, f := range some[:done] {
			c := r.counted[f.Position()]
			m.Counted, m.CountedLate, m.Cursor = m.Counted+c.unfinished, m.CountedLate+c.late, f.Position()
		}
		if complete = done == len(some); !complete {
			break
		}
	}
	if !complete && m.Cursor == came && look.Err() != nil && ctx.Err() == nil {
		// It has more jobs than there is time for, and must not hold up those behind it.
		m.Counted, m.Cursor = m.Counted+r.unfinished-seen, folders[behind].Position()
	}
	if complete {
		m.complete(now)
		seen = 0
	}
	m.Backlog.At, m.Backlog.Unfinished, m.Backlog.Late = now, max(m.Unfinished, m.Counted, seen), max(m.Late, m.CountedLate)
	s.report.Unfinished = m.Backlog.Unfinished
	r.errs.add(s.Store.SetBacklog(m.Backlog))
	m.noteClaims(r.claimed, now.Add(-s.MaxAge))
	r.errs.add(s.send(ctx, "its worker died", r.abandoned))
	r.errs.add(s.sendLost(ctx, r, &m, complete, now))
	return r.errs.join()
}

// checkup looks at a job, and counts it. It may be called concurrently.
func (s *Sweeper) checkup(e store.Entry, now time.Time, r *round) (n count) {
	c, err := s.Store.Checkup(e, now, stale)
	old := err == nil && now.Sub(c.RunBegan) > s.MaxAge
	if old {
		err = s.timeOut(c.Job)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone), errors.Is(err, job.ErrNotFound):
		return n // and is tidied up now; about to be made, or never to be
	case old && err == nil:
		return n
	}
	n.unfinished = 1
	r.unfinished++
	if err != nil {
		r.errs.add(err)
		return n
	}
	if !c.Leased && now.Sub(c.RunBegan) >= s.lateAge() {
		n.late = 1
	}
	switch {
	case c.Abandoned:
		r.abandoned = append(r.abandoned, c.Job)
	case c.Leased:
		if r.claimed[c.Job.Owner].Before(c.RunBegan) {
			r.claimed[c.Job.Owner] = c.RunBegan
		}
	case now.Sub(c.Announced) > s.silence(c.Announced.Sub(c.RunBegan)) && len(r.waiting) < mostWaiting:
		r.waiting = append(r.waiting, waiting{c.Job, c.Announced, c.RunBegan})
	}
	return n
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

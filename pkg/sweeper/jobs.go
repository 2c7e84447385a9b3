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

// A round is what a sweep finds out of the active jobs, in its part of a round through all of them.
type round struct {
	first bool       // it begins the round through all
	last  bool       // it has come to the end
	stop  func()     // ends the looking
	errs  mishaps    // of jobs and folders
	mu    sync.Mutex // of what follows

	looked     int
	unfinished int // of those that were looked at
	abandoned  []job.Job
	waiting    []waiting
	claimed    map[string]time.Time // by owner: when the youngest run was asked for that a worker is at

	queuedSince time.Time // when the oldest job that no worker is at was submitted or retried
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
	folders, err := s.Store.ActiveFolders(ctx)
	if err != nil && (len(folders) == 0 || errors.Is(err, job.ErrStoreAway)) {
		return err
	}
	look, stop := half(ctx)
	defer stop()
	r := &round{first: m.Cursor == "", stop: stop, claimed: map[string]time.Time{}}
	r.errs.add(err)
	next := slices.IndexFunc(folders, func(f store.ActiveFolder) bool { return f.Position() > m.Cursor })
	if next < 0 {
		next = len(folders)
	}
	if r.first {
		m.Counted = 0
	} else { // their part is small, so that the cursor moves whatever they are
		some, cancel := half(look)
		s.lookAt(some, folders[:next], s.oldest(), now, r)
		cancel()
	}
	seen := r.unfinished
	for _, f := range folders[next:] {
		before := r.unfinished
		if s.lookAt(look, []store.ActiveFolder{f}, 0, now, r); look.Err() != nil {
			break // the next sweep goes on from there
		}
		m.Cursor, m.Counted = f.Position(), m.Counted+r.unfinished-before
	}
	if look.Err() == nil { // it was the last
		r.last, m.Cursor, m.Unfinished, m.CountedAt = true, "", m.Counted, now
	}
	s.report.Unfinished = max(m.Unfinished, m.Counted, seen)
	m.Backlog = r.backlog(m, s.report.Unfinished, now)
	r.errs.add(s.Store.SetBacklog(m.Backlog))
	m.noteClaims(r.claimed, now.Add(-s.MaxAge))
	return errors.Join(ctx.Err(), r.errs.err(), s.send(ctx, "its worker died", r.abandoned), s.sendLost(ctx, r, &m, now))
}

// oldest is at how many of the oldest jobs a sweep looks that has no time for all.
func (s *Sweeper) oldest() int {
	if s.most > 0 {
		return s.most / 4
	}
	return oldest
}

// backlog is what waits, by what a round has found and the sweep before it.
func (r *round) backlog(m jobsMemory, unfinished int, now time.Time) store.Backlog {
	b := store.Backlog{At: now, Unfinished: unfinished}
	if !r.queuedSince.IsZero() {
		b.Oldest = now.Sub(r.queuedSince)
	}
	if since := now.Sub(m.Backlog.At); since > 0 && since < time.Hour {
		b.PerSecond = float64(m.Backlog.Unfinished-unfinished) / since.Seconds()
	}
	return b
}

// half has half of the time that ctx has left, so that there is time for what follows from the first.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// lookAt looks at the jobs in folders, and at no further folder after so many jobs; 0 is no limit. It ends with
// ctx.
func (s *Sweeper) lookAt(ctx context.Context, folders []store.ActiveFolder, limit int, now time.Time, r *round) {
	seen := 0
	for _, f := range folders {
		if ctx.Err() != nil || limit > 0 && seen >= limit {
			break
		}
		entries, err := s.Store.ActiveIn(f)
		r.failed(err)
		seen += len(entries)
		each(ctx, entries, func(e store.Entry) { s.checkup(e, now, r) })
	}
}

// failed notes an error of a job or a folder. That the store is away is one of all.
func (r *round) failed(err error) {
	if r.errs.add(err); errors.Is(err, job.ErrStoreAway) {
		r.stop()
	}
}

// each calls do with items, some at the same time, until ctx ends.
func each[T any](ctx context.Context, items []T, do func(T)) {
	slots := make(chan struct{}, atOnce)
	var all sync.WaitGroup
	for _, item := range items {
		if ctx.Err() != nil {
			break
		}
		slots <- struct{}{}
		all.Go(func() { defer func() { <-slots }(); do(item) })
	}
	all.Wait()
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
	if r.looked++; s.most > 0 && r.looked > s.most {
		r.stop()
	}
	switch {
	case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone), errors.Is(err, job.ErrNotFound):
		return // and is tidied up now; about to be made, or never to be
	case old && err == nil:
		return
	case err != nil:
		r.unfinished++
		r.failed(err)
		return
	}
	r.unfinished++
	if !c.Leased && (r.queuedSince.IsZero() || c.RunBegan.Before(r.queuedSince)) {
		r.queuedSince = c.RunBegan
	}
	switch {
	case c.Abandoned:
		r.abandoned = append(r.abandoned, c.Job)
	case c.Leased:
		if r.claimed[c.Job.Owner].Before(c.RunBegan) { // not when it was sent, since that may have been again
			r.claimed[c.Job.Owner] = c.RunBegan
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

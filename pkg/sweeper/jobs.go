package sweeper

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
	waited     map[int64]int // queued jobs, by the minute in which their run was asked for

	counted map[string]int // unfinished jobs by the folders that were looked at
}

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
	r := &round{first: m.Cursor == "", claimed: map[string]time.Time{}, waited: map[int64]int{}, counted: map[string]int{}}
	look, cancel := half(ctx)
	defer cancel()
	folders, err := s.Store.ActiveFolders(look)
	if len(folders) == 0 && err != nil {
		if !m.Backlog.At.IsZero() { // nothing better is known
			m.Backlog.At = now
			err = errors.Join(err, s.Store.SetBacklog(m.Backlog))
		}
		return err
	}
	complete := look.Err() == nil
	if complete {
		r.errs.add(err) // of an owner; others are none the worse for it
	}
	if m.Cursor == "" {
		m.Counted = 0
	} else { // in a part of the time, so that the cursor moves however long that takes
		some, cancel := half(look)
		s.lookAt(some, folders, s.oldest, now, r)
		cancel()
	}
	seen := r.unfinished
	behind := slices.IndexFunc(folders, func(f store.ActiveFolder) bool { return f.Position() > m.Cursor })
	if behind < 0 {
		behind = len(folders)
	}
	looks := 0
	for some := range slices.Chunk(folders[behind:], atOnce) {
		if looks++; s.looks > 0 && looks > s.looks || !s.lookAt(look, some, 0, now, r) {
			complete = false
			break
		}
		for _, f := range some {
			m.Counted += r.counted[f.Position()]
		}
		m.Cursor = some[len(some)-1].Position()
	}
	report := max(m.Unfinished, m.Counted, seen)
	if complete {
		m.Backlog.PerSecond = shrinks(&m, now)
		m.Cursor, m.Unfinished, m.CountedAt = "", m.Counted, now
		report = m.Unfinished
	}
	s.report.Unfinished = report
	m.Backlog.At, m.Backlog.Unfinished, m.Backlog.Waited = now, report, r.longest(report, now)
	r.errs.add(s.Store.SetBacklog(m.Backlog))
	m.noteClaims(r.claimed, now.Add(-s.MaxAge))
	r.errs.add(s.send(ctx, "its worker died", r.abandoned))
	r.errs.add(s.sendLost(ctx, r, &m, complete, now))
	return r.errs.join()
}

// shrinks is by how many jobs a second the backlog has become shorter since all were counted last.
func shrinks(m *jobsMemory, now time.Time) float64 {
	since := now.Sub(m.CountedAt)
	if since <= 0 || since > time.Hour {
		return 0
	}
	return float64(m.Unfinished-m.Counted) / since.Seconds()
}

// few is how many jobs may wait for long for reasons of their own: what one job, or one owner, waits for says nothing of
// the others.
const few = 100

// longest is for how long those have waited that have waited longest: a hundredth of all that are unfinished, and
// not few.
func (r *round) longest(unfinished int, now time.Time) time.Duration {
	n := 0
	for _, minute := range slices.Sorted(maps.Keys(r.waited)) {
		if n += r.waited[minute]; n >= max(few, unfinished/100) {
			return max(0, now.Sub(time.Unix(minute*60, 0)))
		}
	}
	return 0
}

// half has half of the time that ctx has left, so that there is time for what follows from the first.
func half(ctx context.Context) (context.Context, context.CancelFunc) {
	end, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(end)/2)
}

// lookAt looks at the jobs in folders, and at no further folders after so many jobs; 0 is no limit. It says whether that was
// done when ctx ended or the store was away. It passes over folders that this round has looked at.
func (s *Sweeper) lookAt(ctx context.Context, folders []store.ActiveFolder, limit int, now time.Time, r *round) bool {
	seen := 0
	for some := range slices.Chunk(folders, atOnce) {
		if limit > 0 && seen >= limit {
			break
		}
		some = slices.DeleteFunc(slices.Clone(some), func(f store.ActiveFolder) bool { _, looked := r.counted[f.Position()]; return looked })
		var mu sync.Mutex
		var entries []placed
		each(ctx, some, func(f store.ActiveFolder) {
			in, err := s.Store.ActiveIn(f)
			mu.Lock()
			defer mu.Unlock()
			r.errs.add(err)
			for _, e := range in {
				entries = append(entries, placed{e, f.Position()})
			}
		})
		seen += len(entries)
		counted := map[string]int{}
		each(ctx, entries, func(e placed) {
			if s.checkup(e.Entry, now, r) {
				mu.Lock()
				defer mu.Unlock()
				counted[e.in]++
			}
		})
		if ctx.Err() != nil || r.errs.away {
			return false
		}
		for _, f := range some {
			r.counted[f.Position()] = counted[f.Position()]
		}
	}
	return true
}

// A placed entry is one in a folder.
type placed struct {
	store.Entry
	in string
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

// checkup looks at a job, and says whether it is unfinished. It may be called concurrently.
func (s *Sweeper) checkup(e store.Entry, now time.Time, r *round) bool {
	c, err := s.Store.Checkup(e, now, stale)
	old := err == nil && now.Sub(c.RunBegan) > s.MaxAge
	if old {
		err = s.timeOut(c.Job)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone), errors.Is(err, job.ErrNotFound):
		return false // and is tidied up now; about to be made, or never to be
	case old && err == nil:
		return false
	case err != nil:
		r.unfinished++
		r.errs.add(err)
		return true
	}
	r.unfinished++
	if !c.Leased {
		r.waited[c.RunBegan.Unix()/60]++
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
	return true
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

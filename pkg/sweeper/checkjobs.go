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

// concurrency is the number of jobs that are checked at the same time. Each check takes a few
// consecutive calls to the file server.
const concurrency = 32

// maxOldest is about how many of the oldest jobs each sweep checks first while a pass through all
// jobs takes several sweeps. The oldest ones need a repair most often.
const maxOldest = 1000

// minShortfalls is the number of consecutive comparisons that must find fewer messages than jobs
// before messages count as lost. The queue's counts are approximate, and a job is stored a moment
// before its message is sent.
const minShortfalls = 3

// A job that was sent longWaitSweeps sweeps ago or more may have lost its message although the
// queue has enough messages. Each sweep sends up to maxLongWaiting of such jobs again.
const (
	longWaitSweeps = 15
	maxLongWaiting = 10
)

// maxWaiting is how many waiting jobs a sweep considers for sending again at most.
const maxWaiting = 20_000

// abandonedAge is the age from which a name in an index without its job counts as left by a
// submission that died.
const abandonedAge = 10 * time.Minute

// findings are the results of checking active jobs in one sweep.
type findings struct {
	mu         sync.Mutex
	first      bool                 // the sweep begins a pass through all jobs
	unfinished int                  // among the jobs that were checked
	abandoned  []job.Job            // their lease has expired; at most as many as workers had claimed
	waiting    []waitingJob         // at most maxWaiting
	claimed    map[string]time.Time // by owner: when the youngest claimed run began
	errs       errorList

	counted map[string]jobCount // by folder that was checked
	stopped stoppedCheck        // of the check that was cut short
}

// A stoppedCheck is how far a check of some folders came that was not completed.
type stoppedCheck struct {
	cursor   string // of the last job; "" if none was checked
	jobCount        // of the jobs that were checked
}

// A jobCount counts jobs.
type jobCount struct {
	unfinished int
	late       int // late ones among them, see lateAge
}

func (c jobCount) plus(d jobCount) jobCount {
	return jobCount{c.unfinished + d.unfinished, c.late + d.late}
}

// A waitingJob has no lease, and no message for it was sent for a while.
type waitingJob struct {
	job.Job
	messageSent time.Time
	runBegan    time.Time
}

// latest returns the time at which its run began or its last message was sent, whichever is later.
func (w waitingJob) latest() time.Time {
	if w.runBegan.After(w.messageSent) {
		return w.runBegan
	}
	return w.messageSent
}

// checkJobs checks active jobs, and sends again or ends those that need it. If there is time it
// checks all jobs, oldest first; otherwise the next sweeps check the rest, each after the oldest
// ones. A job or folder that can't be read does not delay the others.
func (s *Sweeper) checkJobs(ctx context.Context, now time.Time, all *progress) error {
	m := all.Jobs // no other goroutine changes it
	defer func() {
		all.mu.Lock()
		all.Jobs = m
		all.mu.Unlock()
	}()
	r := &findings{first: m.Cursor == "", claimed: map[string]time.Time{}, counted: map[string]jobCount{}}
	r.errs.add(s.renewBacklog(&m, now))
	checkCtx, cancel := halfTime(ctx)
	defer cancel()
	folders, err := s.Store.ActiveFolders(checkCtx)
	r.errs.add(err) // of one owner's folders; those of the others are complete
	if len(folders) == 0 && err != nil {
		return r.errs.join()
	}
	if m.Cursor == "" {
		m.Counted, m.CountedLate = 0, 0
	} else {
		first, cancel := halfTime(checkCtx) // half of the time is for the other folders
		s.checkFolders(first, folders, "", s.oldestLimit, now, r)
		cancel()
	}
	seen := r.unfinished
	complete := s.checkAfterCursor(checkCtx, folders, now, &m, r)
	if complete {
		m.completePass(now)
		seen = 0
	}
	m.Backlog.At, m.Backlog.Unfinished, m.Backlog.Late = now, max(m.Unfinished, m.Counted, seen), max(m.Late, m.CountedLate)
	s.report.Unfinished = m.Backlog.Unfinished
	r.errs.add(s.Store.SetBacklog(m.Backlog))
	m.recordClaims(r.claimed, now.Add(-s.MaxAge))
	r.errs.add(s.resend(ctx, "its worker died", r.abandoned))
	r.errs.add(s.resendLost(ctx, r, &m, complete, now))
	return r.errs.join()
}

// checkAfterCursor checks the jobs after the cursor, oldest first, until ctx ends. It counts them
// in m, and moves the cursor. It reports whether it has checked all jobs up to the end.
func (s *Sweeper) checkAfterCursor(
	ctx context.Context, folders []store.ActiveFolder, now time.Time, m *jobsProgress, r *findings,
) (complete bool) {
	start, chunks := m.Cursor, 0
	r.stopped = stoppedCheck{}
	first := slices.IndexFunc(folders, func(f store.ActiveFolder) bool { return afterCursor(f, start) })
	if first < 0 {
		return true
	}
	for some := range slices.Chunk(folders[first:], concurrency) {
		done := 0
		if chunks++; s.chunkLimit == 0 || chunks <= s.chunkLimit {
			done = s.checkFolders(ctx, some, start, 0, now, r)
		}
		for _, f := range some[:done] {
			c := r.counted[f.Position()]
			m.Counted, m.CountedLate, m.Cursor = m.Counted+c.unfinished, m.CountedLate+c.late, f.Position()
		}
		if done == len(some) {
			continue
		}
		if c := r.stopped; c.cursor != "" { // a folder may have more jobs than there is time for
			m.Counted, m.CountedLate, m.Cursor = m.Counted+c.unfinished, m.CountedLate+c.late, c.cursor
		}
		return false
	}
	return true
}

// checkJob checks and counts one job. It may be called concurrently.
func (s *Sweeper) checkJob(e store.Entry, now time.Time, r *findings) (n jobCount) {
	c, err := s.Store.Checkup(e, now, abandonedAge)
	old := err == nil && now.Sub(c.RunBegan) > s.MaxAge
	if old {
		err = s.timeOut(c.Job, c.RunBegan)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, job.ErrFinished), errors.Is(err, job.ErrGone), errors.Is(err, job.ErrNotFound):
		return n // it has ended and is cleaned up now, or its submission is in progress or has died
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
	case now.Sub(c.MessageSent) > s.resendInterval(c.MessageSent.Sub(c.RunBegan)) && len(r.waiting) < maxWaiting:
		r.waiting = append(r.waiting, waitingJob{c.Job, c.MessageSent, c.RunBegan})
	}
	return n
}

// resendInterval returns the time after which a message may count as lost: the time that the job
// had waited when it was last sent, so that the intervals double, but at least two intervals of
// sweeps.
func (s *Sweeper) resendInterval(waited time.Duration) time.Duration {
	return max(waited, 2*s.Every)
}

// timeOut ends a run that is older than the maximum age, unless it has ended. began is when it began.
func (s *Sweeper) timeOut(j job.Job, began time.Time) error {
	_, err := s.Store.Fail(j.ID, j.Run, job.Failure{
		Code: job.CodeTimedOut, Message: "not finished within " + s.MaxAge.String() + "; a retry may help",
	})
	if errors.Is(err, job.ErrFinished) {
		return nil
	}
	if err == nil {
		s.timedOut.Add(1)
		s.Log.Warn("failed: not finished within the maximum age", "job", j.ID, "run", j.Run, "code", job.CodeTimedOut,
			"max_age", s.MaxAge.String(), "created_at", j.CreatedAt, "run_began", began)
	}
	return err
}

package store

import (
	"errors"
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Quotas bound what each owner has in the directory, whatever process it came by,
// and what all of them leave free. 0 is no limit. Counts are of what is there, so
// that nothing has to be given back, and what a crash leaves is counted until it is
// swept.
//
// What holds, and by how much it is overshot: a process that has counted an owner's
// use accepts a hundredth of what was free then without counting again. So n
// processes that accept at the same time may exceed a quota by n hundredths of it,
// and by the submissions that are in flight at once in the others.
//
// A main shows them as flags: kong reads the tags.
type Quotas struct {
	Unfinished int `name:"max-unfinished" default:"5000" env:"ATELIER_MAX_UNFINISHED" help:"Jobs that each owner may have queued or running at a time; 0 is no limit."`
	Stored     int `name:"max-stored" default:"51200" env:"ATELIER_MAX_STORED" help:"MiB that each owner's jobs may take, reckoned at their submission from the pictures and an allowance for the results; 0 is no limit."`
	Daily      int `name:"max-daily" default:"100000" env:"ATELIER_MAX_DAILY" help:"Jobs that each owner may submit within 24 hours, erased ones too; 0 is no limit."`
	Runs       int `name:"max-runs" default:"20" env:"ATELIER_MAX_RUNS" help:"Runs that a job may have, its retries counted; 0 is no limit."`
	MinFree    int `name:"min-free" default:"1024" env:"ATELIER_MIN_FREE" help:"MiB, or 5% of the file system where that is less, that submissions leave free in the shared directory; 0 is no limit. On a file system without a size limit, such as EFS, use --max-stored instead."`
}

// Validate is called by kong once the flags are read.
func (q Quotas) Validate() error {
	if min(q.Unfinished, q.Stored, q.Daily, q.Runs, q.MinFree) < 0 {
		return errors.New("--max-unfinished, --max-stored, --max-daily, --max-runs and --min-free must be 0 (no limit) or more")
	}
	return nil
}

// A QuotaError says which quota of an owner is used up. It wraps [job.ErrQuota].
type QuotaError struct {
	Quota string // unfinished_jobs, stored_bytes or daily_submissions
	Limit int64  // in jobs or bytes
	Used  int64
	Frees string        // what makes room
	After time.Duration // when trying again may be of use, at the earliest
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("%s: %s: %d of %d are used; %s", job.ErrQuota, e.Quota, e.Used, e.Limit, e.Frees)
}

func (e *QuotaError) Unwrap() error { return job.ErrQuota }

// A use is what a submission takes, or an owner has.
type use struct{ unfinished, daily, kib int64 }

func (u use) plus(v use) use {
	return use{u.unfinished + v.unfinished, u.daily + v.daily, u.kib + v.kib}
}

func (u use) minus(v use) use { return u.plus(use{-v.unfinished, -v.daily, -v.kib}) }

// limit is the quotas as a use.
func (q Quotas) limit() use {
	or := func(n int) int64 {
		if n == 0 {
			return unlimited
		}
		return int64(n)
	}
	l := use{or(q.Unfinished), or(q.Daily), or(q.Stored)}
	if q.Stored != 0 {
		l.kib *= 1024 // of which Stored has MiB
	}
	return l
}

// on is a limit on what is needed, and none on what is not.
func (u use) on(need use) use {
	for _, d := range []struct {
		limit *int64
		need  int64
	}{{&u.unfinished, need.unfinished}, {&u.daily, need.daily}, {&u.kib, need.kib}} {
		if d.need == 0 {
			*d.limit = unlimited
		}
	}
	return u
}

const unlimited = math.MaxInt64 / 2

func (u use) within(limit use) bool {
	return u.unfinished <= limit.unfinished && u.daily <= limit.daily && u.kib <= limit.kib
}

const (
	// unseen is the part of what was free at the last count that a process accepts
	// before it counts again.
	unseen = 100
	// countAge is how long a count stands; it bounds not the overshoot, but how long a
	// process remembers.
	countAge = 10 * time.Minute
	// countShare bounds the time that refusals spend on counting: the rest between two
	// counts of an owner is so many times as long as the last took.
	countShare = 20
	// countRest is the shortest rest.
	countRest = 50 * time.Millisecond
)

// An account is what this process knows of an owner's use.
type account struct {
	mu      sync.Mutex
	counted time.Time     // when the count began; zero before the first
	took    time.Duration // to count
	used    use           // as counted
	spent   use           // accepted here since
	pending use           // being accepted here
	past    *past         // what is known of hours that are over; nil before the first count

	freed atomic.Bool // there may be more room than was counted
}

// accounts are those of all owners that this process has heard of.
type accounts struct {
	mu sync.Mutex
	by map[string]*account // by the owner's folder
}

func (a *accounts) of(folder string) *account {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil {
		a.by = map[string]*account{}
	}
	if a.by[folder] == nil {
		a.by[folder] = new(account)
	}
	return a.by[folder]
}

// freed notes that an owner has more room, so that the next count need not wait.
func (s *Store) freed(owner string) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	if a := s.accounts.by[ownerFolder(owner)]; a != nil { // else nothing was counted
		a.freed.Store(true)
	}
}

// reserve takes what is needed out of an owner's quotas, or is the answer to one that
// is used up. Without an error done is to be called when what was reserved is on the
// disk, or will not be.
func (s *Store) reserve(owner string, need use) (done func(made bool), err error) {
	if s.quotas.limit() == (use{unlimited, unlimited, unlimited}) {
		return func(bool) {}, nil
	}
	a := s.accounts.of(ownerFolder(owner))
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := s.admit(a, ownerFolder(owner), need, unseen); err != nil {
		return nil, err
	}
	a.pending = a.pending.plus(need)
	return func(made bool) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.pending = a.pending.minus(need)
		if made {
			a.spent = a.spent.plus(need)
		}
	}, nil
}

// admit says whether an owner has room, after a count where more is needed than a part
// of what was free at the last.
func (s *Store) admit(a *account, folder string, need use, part int64) error {
	now, limit := time.Now(), s.quotas.limit().on(need)
	mine := a.spent.plus(a.pending).plus(need)
	if age := now.Sub(a.counted); age < countAge {
		free := limit.minus(a.used)
		if mine.within(use{free.unfinished / part, free.daily / part, free.kib / part}) {
			return nil
		}
		if age < max(countRest, countShare*a.took) && !a.used.plus(mine).within(limit) && !a.freed.Load() {
			return exceeded(a, a.used.plus(mine).minus(need), need, limit, now)
		}
	}
	a.freed.Store(false)
	if err := s.count(a, folder, now, false); err != nil {
		return err
	}
	if total := a.used.plus(a.pending).plus(need); !total.within(limit) {
		// What is known of past hours does not know what was erased of them since.
		if total.kib > limit.kib && now.Sub(a.past.counted) > max(countRest, countShare*a.past.took) {
			if err := s.count(a, folder, now, true); err != nil {
				return err
			}
		}
		if total := a.used.plus(a.pending).plus(need); !total.within(limit) {
			return exceeded(a, total.minus(need), need, limit, now)
		}
	}
	return nil
}

// How long a client is told to wait where nobody can know.
const (
	afterUnfinished = 10 * time.Second // jobs finish all the time
	afterStored     = time.Hour        // the retention is applied each hour
)

// exceeded says which quota is.
func exceeded(a *account, used, need, limit use, now time.Time) error {
	total := used.plus(need)
	switch {
	case total.daily > limit.daily:
		after := a.past.nextLeaves(now)
		return &QuotaError{"daily_submissions", limit.daily, used.daily,
			fmt.Sprintf("the first of them are 24 hours old in %s", after.Round(time.Minute)), after}
	case total.kib > limit.kib:
		return &QuotaError{"stored_bytes", limit.kib << 10, used.kib << 10,
			"erasing jobs makes room at once, and so does the retention when they are old enough", afterStored}
	}
	return &QuotaError{"unfinished_jobs", limit.unfinished, used.unfinished,
		"room comes as they finish, and by canceling or erasing some", afterUnfinished}
}

// submissionOf is what a spec takes out of its owner's quotas.
func submissionOf(spec *job.Spec) use { return use{unfinished: 1, daily: 1, kib: spec.Charge} }

// Admits says whether an owner has room for the smallest submission at the moment:
// an error is that of [Store.Create]. It reserves nothing, and is for refusing before
// a picture has been read. key is the submission's idempotency key, or "": what
// repeats an earlier submission is let in all the same.
func (s *Store) Admits(owner, key string) error {
	err := s.roomy(0)
	if err == nil && s.quotas.limit() != (use{unlimited, unlimited, unlimited}) {
		a := s.accounts.of(ownerFolder(owner))
		a.mu.Lock()
		err = s.admit(a, ownerFolder(owner), use{unfinished: 1, daily: 1, kib: 1}, 1)
		a.mu.Unlock()
	}
	if err != nil && key != "" {
		spec := &job.Spec{Owner: owner}
		spec.Key = keyOf(owner, key)
		if there, kerr := s.exists(s.keyRecord(spec)); kerr == nil && there {
			return nil
		}
	}
	return err
}

// charge is how many KiB a job counts for towards what its owner may store: the
// pictures as submitted, an allowance for the result by its format and pixels, and
// one for thumbnail, preview and records.
func charge(spec *job.Spec) int64 {
	const besides = 96 << 10
	bytes := spec.Input.Bytes + besides
	if spec.StyleInput != nil {
		bytes += spec.StyleInput.Bytes
	}
	w, h := float64(spec.Input.Width), float64(spec.Input.Height)
	if longest := max(w, h); longest > 0 {
		scale := min(1, float64(spec.Longest())/longest)
		pixels := w * h * scale * scale
		perPixel := 0.5
		if spec.Format == "png" {
			perPixel = 3
		}
		bytes += int64(pixels * perPixel)
	}
	return min((bytes+1023)>>10, maxCharge)
}

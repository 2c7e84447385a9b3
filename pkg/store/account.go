package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An account is what this process knows of an owner's use.
type account struct {
	mu     sync.Mutex
	folder string // the owner's, in active/ and owners/
	active count  // of unfinished jobs
	// uploads are the pending ones. As a count its figure falls where others have taken
	// some; until it is due again their jobs count twice.
	uploads  count
	past     *pastUsage        // of the index's hours that are over; nil before it was first counted
	open     map[string]*count // of its hours since
	lastFull stamp             // of the last count of all its hours
	freed    atomic.Bool       // there may be more room than was counted
}

// accounts are those of all owners that this process has heard of.
type accounts struct {
	mu       sync.Mutex
	byFolder map[string]*account // by the owner's folder
}

func (s *Store) account(folder string) *account {
	a := &s.accounts
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.byFolder == nil {
		a.byFolder = map[string]*account{}
	}
	if a.byFolder[folder] == nil {
		a.byFolder[folder] = &account{folder: folder, open: map[string]*count{}}
	}
	return a.byFolder[folder]
}

// freed notes that an owner has more room, so that the next count need not wait.
func (s *Store) noteFreed(owner string) {
	s.accounts.mu.Lock()
	defer s.accounts.mu.Unlock()
	if a := s.accounts.byFolder[ownerFolder(owner)]; a != nil { // else nothing was counted
		a.freed.Store(true)
	}
}

// reserve takes what a job needs out of its owner's quotas, and by what the pending
// uploads change: less than nothing where the job takes one. job.ErrQuota, in a
// [QuotaError]: a quota is used up. Without an error done is to be called when what
// was reserved is on the disk, or will not be.
func (s *Store) reserve(owner string, id job.ID, need, uploads use) (done func(made bool), err error) {
	net := need.plus(uploads)
	net.kib, net.uploads = max(net.kib, min(need.kib, 1)), max(net.uploads, 0)
	if s.quotas.limit().on(net) == noLimit {
		return func(bool) {}, nil
	}
	a := s.account(ownerFolder(owner))
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := s.checkQuotas(a, net, false); err != nil {
		return nil, err
	}
	parts := map[*count]use{&a.active: {unfinished: need.unfinished}, &a.uploads: uploads}
	if c := a.hourCount(id); c != nil {
		parts[c] = use{daily: need.daily, kib: need.kib}
	}
	for c, part := range parts {
		c.pending = c.pending.plus(part)
	}
	return func(made bool) {
		a.mu.Lock()
		defer a.mu.Unlock()
		for c, part := range parts {
			c.pending = c.pending.minus(part)
			if made {
				c.spent = c.spent.plus(part)
			}
		}
	}, nil
}

// Admits says whether an owner has room for the smallest submission at the moment:
// an error is that of [Store.Create]. It reserves nothing, and is for refusing before
// a picture has been read. key is the submission's idempotency key, or "": what
// repeats an earlier submission is let in all the same.
func (s *Store) Admits(owner, key string) error {
	err := s.checkFreeSpace(0)
	if err == nil {
		err = s.checkBacklog()
	}
	if err == nil && s.quotas.limit() != noLimit {
		a := s.account(ownerFolder(owner))
		a.mu.Lock()
		err = s.checkQuotas(a, use{unfinished: 1, daily: 1, kib: 1}, true)
		a.mu.Unlock()
	}
	if err != nil && key != "" {
		if there, kerr := s.exists(s.keyPath(keyHash(owner, key))); kerr == nil && there {
			return nil
		}
	}
	return err
}

// admit says whether an owner has room. It counts what seems to be used up before it
// says so, and else, but early, where a submission is yet to come, what is due.
func (s *Store) checkQuotas(a *account, need use, early bool) error {
	now, limit := time.Now(), s.quotas.limit().on(need)
	learned, err := s.countUnknown(a, limit, now)
	if err != nil {
		return err
	}
	full := func() bool { return !a.used(now).plus(need).within(limit) }
	freed := full() && a.freed.Swap(false)
	if full() && !learned && !freed && !a.anySettled(need, limit, now) {
		return quotaError(a, need, limit, now)
	}
	if c := a.dueCount(need, limit, now); c != nil && !learned && !early {
		if err := s.count(a, c); err != nil {
			return err
		}
	}
	for _, c := range a.exhausted(need, limit, now) {
		if full() && c.began.Before(now) && (freed || c.isSettled(now)) {
			if err := s.count(a, c); err != nil {
				return err
			}
		}
	}
	// What is known of past hours does not know what was erased of them since.
	if full() && a.used(now).plus(need).kib > limit.kib && a.lastFull.isSettled(now) {
		if err := s.countAll(a, now); err != nil {
			return err
		}
	}
	if full() {
		return quotaError(a, need, limit, now)
	}
	return nil
}

// How long a client is told to wait where nobody can know.
const (
	afterUnfinished = 10 * time.Second // jobs finish all the time
	afterStored     = time.Hour        // the retention is applied each hour
	afterUploads    = time.Minute      // a job is made of each as soon as it is complete
)

// exceeded says which quota is.
func quotaError(a *account, need, limit use, now time.Time) error {
	used := a.used(now)
	total := used.plus(need)
	switch {
	case total.daily > limit.daily:
		after := a.untilOldestLeaves(now)
		return &QuotaError{"daily_submissions", limit.daily, used.daily,
			fmt.Sprintf("the first of them are 24 hours old in %s", after.Round(time.Minute)), after}
	case total.uploads > limit.uploads:
		return &QuotaError{"pending_uploads", limit.uploads, used.uploads,
			"submitting a job of each makes room, and so does a day", afterUploads}
	case total.kib > limit.kib:
		return &QuotaError{"stored_bytes", limit.kib << 10, used.kib << 10,
			"erasing jobs makes room at once, and so does the retention when they are old enough", afterStored}
	}
	return &QuotaError{"unfinished_jobs", limit.unfinished, used.unfinished,
		"room comes as they finish, and by canceling or erasing some", afterUnfinished}
}

package store

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An ownerCounts is what this process has counted of one owner's use of the quotas.
type ownerCounts struct {
	mu     sync.Mutex
	folder string // the owner's, in active/, uploads/ and owners/
	active count  // the unfinished jobs
	// uploads counts the pending ones. If another process takes one, it counts twice until the next
	// count: here, and as a part of its job.
	uploads  count
	past     *pastUsage        // the hours of the index that are over; nil before the first count
	open     map[string]*count // the later hours of the index
	lastFull stamp             // the last count of all hours
	freed    atomic.Bool       // there may be more space than was counted
}

// allCounts has the counts of all owners for whom this process has had calls. None is ever dropped.
type allCounts struct {
	mu       sync.Mutex
	byFolder map[string]*ownerCounts // by the owner's folder
}

// ownerCounts returns the counts of an owner by the owner's folder. They are empty at the first
// call.
func (s *Store) ownerCounts(folder string) *ownerCounts {
	all := &s.allCounts
	all.mu.Lock()
	defer all.mu.Unlock()
	if all.byFolder == nil {
		all.byFolder = map[string]*ownerCounts{}
	}
	if all.byFolder[folder] == nil {
		all.byFolder[folder] = &ownerCounts{folder: folder, open: map[string]*count{}}
	}
	return all.byFolder[folder]
}

// noteFreed records that an owner may have more space, so that the next count need not wait.
func (s *Store) noteFreed(owner string) {
	s.allCounts.mu.Lock()
	defer s.allCounts.mu.Unlock()
	if o := s.allCounts.byFolder[ownerFolder(owner)]; o != nil { // else nothing was counted
		o.freed.Store(true)
	}
}

// reserve reserves a job's part of its owner's quotas. uploads is the change in pending uploads,
// negative if the job takes some. job.ErrQuota, in a [QuotaError]: a quota is used up. If there is
// no error, done must be called once: with true when what was reserved is on the disk, with false
// when it will not be.
func (s *Store) reserve(owner string, id job.ID, need, uploads use) (done func(made bool), err error) {
	net := need.plus(uploads)
	net.kib, net.uploads = max(net.kib, min(need.kib, 1)), max(net.uploads, 0)
	if s.quotas.limit().on(net) == noLimit {
		return func(bool) {}, nil
	}
	o := s.ownerCounts(ownerFolder(owner))
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := s.checkQuotas(o, net, false); err != nil {
		return nil, err
	}
	parts := map[*count]use{&o.active: {unfinished: need.unfinished}, &o.uploads: uploads}
	if c := o.hourCount(id); c != nil {
		parts[c] = use{daily: need.daily, kib: need.kib}
	}
	for c, part := range parts {
		c.pending = c.pending.plus(part)
	}
	return func(made bool) {
		o.mu.Lock()
		defer o.mu.Unlock()
		for c, part := range parts {
			c.pending = c.pending.minus(part)
			if made {
				c.spent = c.spent.plus(part)
			}
		}
	}, nil
}

// Admits returns nil if an owner may submit the smallest job at present, or else job.ErrQuota,
// job.ErrBacklog or job.ErrDiskFull as [Store.Create] does. It reserves nothing, and is used to
// refuse a submission before its picture is read. key is the submission's idempotency key, or "":
// if there was a request with this key, Admits returns nil, because this one may repeat it.
func (s *Store) Admits(owner, key string) error {
	err := s.checkFreeSpace(0)
	if err == nil {
		err = s.checkBacklog()
	}
	if err == nil && s.quotas.limit() != noLimit {
		o := s.ownerCounts(ownerFolder(owner))
		o.mu.Lock()
		err = s.checkQuotas(o, use{unfinished: 1, daily: 1, kib: 1}, true)
		o.mu.Unlock()
	}
	if err != nil && key != "" {
		if there, kerr := s.exists(s.keyPath(keyHash(owner, key))); kerr == nil && there {
			return nil
		}
	}
	return err
}

// checkQuotas returns a [QuotaError] if the owner has too little left. Before that it counts again,
// but not too often. Otherwise it makes the count that is due, unless early is set: then the
// submission itself will call it again.
func (s *Store) checkQuotas(o *ownerCounts, need use, early bool) error {
	now, limit := time.Now(), s.quotas.limit().on(need)
	learned, err := s.countUnknown(o, limit, now)
	if err != nil {
		return err
	}
	full := func() bool { return !o.used(now).plus(need).within(limit) }
	freed := full() && o.freed.Swap(false)
	if full() && !learned && !freed && !o.anySettled(need, limit, now) {
		return quotaError(o, need, limit, now)
	}
	if c := o.dueCount(need, limit, now); c != nil && !learned && !early {
		if err := s.count(o, c); err != nil {
			return err
		}
	}
	for _, c := range o.exhausted(need, limit, now) {
		if full() && c.began.Before(now) && (freed || c.isSettled(now)) {
			if err := s.count(o, c); err != nil {
				return err
			}
		}
	}
	// The counts of past hours don't show what was erased since they were made.
	if full() && o.used(now).plus(need).kib > limit.kib && o.lastFull.isSettled(now) {
		if err := s.countAll(o, now); err != nil {
			return err
		}
	}
	if full() {
		return quotaError(o, need, limit, now)
	}
	return nil
}

// The times that clients are asked to wait, where nothing better is known.
const (
	afterUnfinished = 10 * time.Second // jobs finish all the time
	afterStored     = time.Hour        // the retention is applied each hour
	afterUploads    = time.Minute      // a job takes each as soon as it is complete
)

// quotaError returns the error for the quota that is used up.
func quotaError(o *ownerCounts, need, limit use, now time.Time) error {
	used := o.used(now)
	total := used.plus(need)
	switch {
	case total.daily > limit.daily:
		after := o.untilOldestLeaves(now)
		return &QuotaError{"daily_submissions", limit.daily, used.daily,
			fmt.Sprintf("the first of them are 24 hours old in %s", after.Round(time.Minute)), after}
	case total.uploads > limit.uploads:
		return &QuotaError{"pending_uploads", limit.uploads, used.uploads,
			"they end when a job takes them, or after a day", afterUploads}
	case total.kib > limit.kib:
		return &QuotaError{"stored_bytes", limit.kib << 10, used.kib << 10,
			"erasing jobs makes space at once; the retention does when they are old enough", afterStored}
	}
	return &QuotaError{"unfinished_jobs", limit.unfinished, used.unfinished,
		"room comes as they finish, or when some are canceled or erased", afterUnfinished}
}

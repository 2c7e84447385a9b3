package store

import (
	"maps"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

const (
	// recountFraction is the part of what was free at the last count (a hundredth) that a process
	// accepts before it counts again.
	recountFraction = 100
	// maxDeferred is how many submissions more it accepts at most. Each submission counts one
	// folder, and if several are due, the others are counted by the next submissions.
	maxDeferred = maxOpen + 2
	// maxOpen is how many hours of the index a process counts one by one. If more have begun since
	// the last one was closed, it counts all that are not known.
	maxOpen = 4
	// countAge is how long a count is valid. It does not limit the overshoot, but how long a
	// process keeps a count.
	countAge = 10 * time.Minute
	// restFactor limits the time that refusals spend on counting: between two counts of the same
	// folder there is at least this many times the duration of the last.
	restFactor = 20
	// minRest is the least time between two counts.
	minRest = 50 * time.Millisecond
)

// A stamp is when something was counted.
type stamp struct {
	began time.Time // zero before the first
	took  time.Duration
}

// stampOf returns the stamp of a count that began at a time and ends now.
func stampOf(began time.Time) stamp { return stamp{began, time.Since(began)} }

// isSettled reports whether enough time has passed since the count to count again before a refusal.
func (t stamp) isSettled(now time.Time) bool {
	return now.Sub(t.began) > max(minRest, restFactor*t.took)
}

// A count is what this process has counted of one of an owner's folders that get new names: in
// active/, in uploads/, or an hour of the index.
type count struct {
	stamp
	hour    string // of the index; "" for the others
	used    use    // as counted
	spent   use    // accepted by this process since
	pending use    // being accepted by this process
}

func (c *count) set(used use, at stamp) { c.stamp, c.used, c.spent = at, used, use{} }

// count counts one of an owner's folders.
func (s *Store) count(a *account, c *count) error {
	began := time.Now()
	var used use
	switch c {
	case &a.uploads:
		pending, err := s.pendingUploads(a.folder, began)
		if err != nil {
			return err
		}
		used = totalUse(pending)
	case &a.active:
		jobs, err := s.countActive(a.folder)
		if err != nil {
			return err
		}
		used.unfinished = jobs
	default:
		hours, err := s.countHours(a.folder, []string{c.hour})
		if err != nil {
			return err
		}
		used = hours[c.hour].use()
	}
	c.set(used, stampOf(began))
	return nil
}

// countUnknown counts what is limited and was not counted yet, or too long ago. learned is whether
// it has counted anything.
func (s *Store) countUnknown(a *account, limit use, now time.Time) (learned bool, err error) {
	var calls []func() error
	if limit.unfinished != unlimited && a.active.began.IsZero() {
		calls = append(calls, func() error { return s.count(a, &a.active) })
	}
	if (limit.uploads != unlimited || limit.kib != unlimited) && a.uploads.began.IsZero() {
		calls = append(calls, func() error { return s.count(a, &a.uploads) })
	}
	if limit.daily != unlimited || limit.kib != unlimited {
		if a.past != nil {
			a.closeHours(now)
		}
		if a.past == nil || len(a.open) > maxOpen {
			calls = append(calls, func() error { return s.countNewHours(a, now) })
		}
	}
	return len(calls) > 0, concurrently(calls...)
}

// closeHours moves the hours that are over, and were counted after their end, to the past ones, and
// adds those that have begun by the fastest clock, which are empty.
func (a *account) closeHours(now time.Time) {
	p := a.past
	for _, hour := range hoursFrom(p.Through, now) {
		c := a.open[hour]
		if c == nil {
			a.open[hour] = &count{hour: hour, stamp: stamp{began: startOf(hour).Add(-clockTolerance)}}
		} else if p.Through == hour && !c.began.Before(startOf(hour).Add(time.Hour+clockTolerance)) {
			p.setHour(hour, hourUsage{Jobs: c.used.daily + c.spent.daily, KiB: c.used.kib + c.spent.kib})
			p.Through = hourOf(startOf(hour).Add(time.Hour))
			delete(a.open, hour)
		}
	}
	p.sumOldHours(now)
}

// countNewHours counts the hours of the index after those that were counted by this process, or by
// another one that has written them to usage/.
func (s *Store) countNewHours(a *account, now time.Time) error {
	began := time.Now()
	note := s.readUsage(a.folder, now)
	p := a.past
	if p == nil || note != nil && note.Through > p.Through {
		p = note
	}
	if p == nil || p.Through < hourOf(now.Add(-day)) {
		return s.countAll(a, now)
	}
	noted := note != nil && note.Through == hourOf(now.Add(-clockTolerance))
	counts, err := s.countHours(a.folder, hoursFrom(p.Through, now))
	if err != nil {
		return err
	}
	a.setCounts(p, counts, now, stampOf(began))
	if !noted {
		s.writeUsage(a.folder, p)
	}
	return nil
}

// countAll counts all hours of an owner in the index.
func (s *Store) countAll(a *account, now time.Time) error {
	began := time.Now()
	hours, err := s.ownerHours(a.folder, now)
	if err == nil && len(hours) == 0 {
		err = s.checkReachable() // missing folders look like empty ones
	}
	if err != nil {
		return err
	}
	counts, err := s.countHours(a.folder, hours)
	if err != nil {
		return err
	}
	p := &pastUsage{V: usageVersion, Hours: map[string]hourUsage{}}
	a.setCounts(p, counts, now, stampOf(began))
	a.lastFull = stampOf(began)
	s.writeUsage(a.folder, p)
	return nil
}

// setCounts sets the counts of all hours that are not in p.
func (a *account) setCounts(p *pastUsage, counts map[string]hourUsage, now time.Time, at stamp) {
	p.Through = hourOf(now.Add(-clockTolerance))
	for hour, t := range counts {
		if hour < p.Through {
			p.setHour(hour, t)
		}
	}
	p.sumOldHours(now)
	a.past = p
	maps.DeleteFunc(a.open, func(hour string, _ *count) bool { return hour < p.Through })
	a.closeHours(now)
	for hour, c := range a.open {
		c.set(counts[hour].use(), at)
	}
}

// dueCount returns the oldest of the counts that are too old, or since which too large a part of
// what was free was accepted; nil if there is none.
func (a *account) dueCount(need, limit use, now time.Time) (oldest *count) {
	consider := func(c *count, spent bool) {
		if (spent || now.Sub(c.began) >= countAge) && (oldest == nil || c.began.Before(oldest.began)) {
			oldest = c
		}
	}
	free, mine := limit.minus(a.counted(now)), a.accepted().plus(need)
	if limit.unfinished != unlimited {
		consider(&a.active, mine.unfinished > free.unfinished/recountFraction)
	}
	if limit.uploads != unlimited || limit.kib != unlimited {
		consider(&a.uploads, mine.uploads > free.uploads/recountFraction || mine.kib > free.kib/recountFraction)
	}
	if limit.daily != unlimited || limit.kib != unlimited {
		for _, c := range a.open {
			consider(c, mine.daily > free.daily/recountFraction || mine.kib > free.kib/recountFraction)
		}
	}
	return oldest
}

// exhausted returns the counts by which a quota is used up.
func (a *account) exhausted(need, limit use, now time.Time) (counts []*count) {
	total := a.used(now).plus(need)
	if total.unfinished > limit.unfinished {
		counts = append(counts, &a.active)
	}
	if total.uploads > limit.uploads || total.kib > limit.kib {
		counts = append(counts, &a.uploads)
	}
	if total.daily > limit.daily || total.kib > limit.kib {
		for _, c := range a.open {
			counts = append(counts, c)
		}
	}
	return counts
}

// anySettled reports whether something may be counted before a refusal.
func (a *account) anySettled(need, limit use, now time.Time) bool {
	for _, c := range a.exhausted(need, limit, now) {
		if c.isSettled(now) {
			return true
		}
	}
	return a.used(now).plus(need).kib > limit.kib && a.lastFull.isSettled(now)
}

// counted returns an owner's use as counted.
func (a *account) counted(now time.Time) use {
	u := a.active.used.plus(a.uploads.used)
	if a.past != nil {
		u = u.plus(a.past.use(now))
	}
	for _, c := range a.open {
		u = u.plus(c.used)
	}
	return u
}

// accepted returns what this process has accepted since the counts, or is accepting.
func (a *account) accepted() use {
	u := a.active.spent.plus(a.active.pending).plus(a.uploads.spent).plus(a.uploads.pending)
	for _, c := range a.open {
		u = u.plus(c.spent).plus(c.pending)
	}
	return u
}

func (a *account) used(now time.Time) use { return a.counted(now).plus(a.accepted()) }

// hourCount returns the count of a job's hour, or of the present hour if the clocks differ too
// much.
func (a *account) hourCount(id job.ID) *count {
	for _, hour := range []string{hourOf(id.Time()), hourOf(time.Now())} {
		if c := a.open[hour]; c != nil {
			return c
		}
	}
	return nil
}

// untilOldestLeaves returns the time until the oldest submissions of the last 24 hours no longer
// count.
func (a *account) untilOldestLeaves(now time.Time) time.Duration {
	oldest := hourOf(now)
	consider := func(hour string, jobs int64) {
		if jobs > 0 && hour >= hourOf(now.Add(-day)) {
			oldest = min(oldest, hour)
		}
	}
	for hour, t := range a.past.Hours {
		consider(hour, t.Jobs)
	}
	for hour, c := range a.open {
		consider(hour, c.used.daily)
	}
	return max(time.Minute, startOf(oldest).Add(day+time.Hour).Sub(now))
}

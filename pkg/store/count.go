package store

import (
	"maps"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

const (
	// unseen is the part of what was free at the last count that a process accepts
	// before it counts again.
	recountFraction = 100
	// deferred is how many submissions more it accepts at most: each waits for one count
	// of a folder, and where others are due, those wait for the next submissions.
	maxDeferred = maxOpen + 2
	// maxOpen is how many hours of the index a process counts one by one. Where more
	// have begun since one was over, it begins anew.
	maxOpen = 4
	// countAge is how long a count stands; it bounds not the overshoot, but how long a
	// process remembers.
	countAge = 10 * time.Minute
	// countShare bounds the time that refusals spend on counting: the rest between two
	// counts of the same is so many times as long as the last took.
	restFactor = 20
	// countRest is the shortest rest.
	minRest = 50 * time.Millisecond
)

// A stamp is when something was counted.
type stamp struct {
	began time.Time // zero before the first
	took  time.Duration
}

// stampOf is the stamp of a count that began then and ends now.
func stampOf(began time.Time) stamp { return stamp{began, time.Since(began)} }

// rested says whether it may be counted again only to refuse something.
func (t stamp) isSettled(now time.Time) bool {
	return now.Sub(t.began) > max(minRest, restFactor*t.took)
}

// A count is what this process knows of one of an owner's folders that get more names:
// the one in active/, the one in uploads/, or an hour of the index.
type count struct {
	stamp
	hour    string // of the index; empty for the others
	used    use    // as counted
	spent   use    // accepted here since
	pending use    // being accepted here
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

// learn counts what is limited and was not counted yet, or too long ago, and says
// whether there was such a thing.
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

// turn closes the hours that are over, and were counted since, and opens those that have
// begun, by the fastest clock: there was nothing in them before.
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

// countSince counts the hours of the index since those that are known, by this process or
// the note of another.
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

// countAll counts all hours of the index that there are.
func (s *Store) countAll(a *account, now time.Time) error {
	began := time.Now()
	hours, err := s.ownerHours(a.folder, now)
	if err == nil && len(hours) == 0 {
		err = s.checkReachable() // folders that are not there look like empty ones
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

// take takes in what was counted of all hours that are not in p yet.
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

// due is the count that is oldest of those that are too old, or know too little of what
// was free; nil without any.
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

// short are the counts that say that a quota is used up.
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

// rested says whether something may be counted before a refusal.
func (a *account) anySettled(need, limit use, now time.Time) bool {
	for _, c := range a.exhausted(need, limit, now) {
		if c.isSettled(now) {
			return true
		}
	}
	return a.used(now).plus(need).kib > limit.kib && a.lastFull.isSettled(now)
}

// counted is what was counted of an owner's use.
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

// accepted is what this process has accepted since, or is about to.
func (a *account) accepted() use {
	u := a.active.spent.plus(a.active.pending).plus(a.uploads.spent).plus(a.uploads.pending)
	for _, c := range a.open {
		u = u.plus(c.spent).plus(c.pending)
	}
	return u
}

func (a *account) used(now time.Time) use { return a.counted(now).plus(a.accepted()) }

// hour is the count of a job's hour, or where the clocks are too far apart for that, of
// the present one.
func (a *account) hourCount(id job.ID) *count {
	for _, hour := range []string{hourOf(id.Time()), hourOf(time.Now())} {
		if c := a.open[hour]; c != nil {
			return c
		}
	}
	return nil
}

// nextLeaves is how long it takes until the oldest submissions of the last day are
// none any more.
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

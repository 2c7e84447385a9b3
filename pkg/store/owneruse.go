package store

import (
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// counted returns an owner's use as of the last counts.
func (o *ownerCounts) counted(now time.Time) use {
	u := o.active.used.plus(o.uploads.used)
	if o.past != nil {
		u = u.plus(o.past.use(now))
	}
	for _, c := range o.open {
		u = u.plus(c.used)
	}
	return u
}

// accepted returns what this process has accepted since the counts, or is accepting.
func (o *ownerCounts) accepted() use {
	u := o.active.spent.plus(o.active.pending).plus(o.uploads.spent).plus(o.uploads.pending)
	for _, c := range o.open {
		u = u.plus(c.spent).plus(c.pending)
	}
	return u
}

func (o *ownerCounts) used(now time.Time) use { return o.counted(now).plus(o.accepted()) }

// dueCount returns the oldest of the counts that are due; nil if none is. A count is due if it is
// too old, or if this process has accepted too large a part of what was free at that count.
func (o *ownerCounts) dueCount(need, limit use, now time.Time) (oldest *count) {
	consider := func(c *count, spent bool) {
		if (spent || now.Sub(c.began) >= countAge) && (oldest == nil || c.began.Before(oldest.began)) {
			oldest = c
		}
	}
	free, mine := limit.minus(o.counted(now)), o.accepted().plus(need)
	if limit.unfinished != unlimited {
		consider(&o.active, mine.unfinished > free.unfinished/recountFraction)
	}
	if limit.uploads != unlimited || limit.kib != unlimited {
		consider(&o.uploads, mine.uploads > free.uploads/recountFraction || mine.kib > free.kib/recountFraction)
	}
	if limit.daily != unlimited || limit.kib != unlimited {
		for _, c := range o.open {
			consider(c, mine.daily > free.daily/recountFraction || mine.kib > free.kib/recountFraction)
		}
	}
	return oldest
}

// exhausted returns the counts by which a quota is used up.
func (o *ownerCounts) exhausted(need, limit use, now time.Time) (counts []*count) {
	total := o.used(now).plus(need)
	if total.unfinished > limit.unfinished {
		counts = append(counts, &o.active)
	}
	if total.uploads > limit.uploads || total.kib > limit.kib {
		counts = append(counts, &o.uploads)
	}
	if total.daily > limit.daily || total.kib > limit.kib {
		for _, c := range o.open {
			counts = append(counts, c)
		}
	}
	return counts
}

// anySettled reports whether one of the counts that cause a refusal may be made again before it.
func (o *ownerCounts) anySettled(need, limit use, now time.Time) bool {
	for _, c := range o.exhausted(need, limit, now) {
		if c.isSettled(now) {
			return true
		}
	}
	return o.used(now).plus(need).kib > limit.kib && o.lastFull.isSettled(now)
}

// hourCount returns the count of a job's hour, or of the present hour if the job's is not counted
// because clocks differ too much; nil if the process has counted neither.
func (o *ownerCounts) hourCount(id job.ID) *count {
	for _, hour := range []string{hourOf(id.Time()), hourOf(time.Now())} {
		if c := o.open[hour]; c != nil {
			return c
		}
	}
	return nil
}

// untilOldestLeaves returns the time until the oldest submissions of the last 24 hours no longer
// count.
func (o *ownerCounts) untilOldestLeaves(now time.Time) time.Duration {
	oldest := hourOf(now)
	consider := func(hour string, jobs int64) {
		if jobs > 0 && hour >= hourOf(now.Add(-day)) {
			oldest = min(oldest, hour)
		}
	}
	for hour, t := range o.past.Hours {
		consider(hour, t.Jobs)
	}
	for hour, c := range o.open {
		consider(hour, c.used.daily)
	}
	return max(time.Minute, startOf(oldest).Add(day+time.Hour).Sub(now))
}

package store

import (
	"maps"
	"time"
)

const (
	// recountFraction is the part of what was free at the last count (a hundredth) that a process
	// accepts before it counts again.
	recountFraction = 100
	// maxDeferred is how many submissions it may accept beyond that before the count is made. Each
	// submission counts one folder, so if several are due, the next submissions count the others.
	maxDeferred = maxOpen + 2
	// maxOpen is how many hours of the index a process counts one by one. If more have begun since
	// the last one was closed, it counts all unknown hours together.
	maxOpen = 4
	// countAge is how long a process relies on a count. It does not limit the overshoot.
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

// isSettled reports whether so much time has passed since the count that it may be made again
// before a refusal.
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
func (s *Store) count(o *ownerCounts, c *count) error {
	began := time.Now()
	var used use
	switch c {
	case &o.uploads:
		pending, err := s.pendingUploads(o.folder, began)
		if err != nil {
			return err
		}
		used = totalUse(pending)
	case &o.active:
		jobs, err := s.countActive(o.folder)
		if err != nil {
			return err
		}
		used.unfinished = jobs
	default:
		hours, err := s.countHours(o.folder, []string{c.hour})
		if err != nil {
			return err
		}
		used = hours[c.hour].use()
	}
	c.set(used, stampOf(began))
	return nil
}

// countUnknown counts what is limited and was never counted, or so long ago that too many hours
// have begun since. learned is whether it has counted anything.
func (s *Store) countUnknown(o *ownerCounts, limit use, now time.Time) (learned bool, err error) {
	var calls []func() error
	if limit.unfinished != unlimited && o.active.began.IsZero() {
		calls = append(calls, func() error { return s.count(o, &o.active) })
	}
	if (limit.uploads != unlimited || limit.kib != unlimited) && o.uploads.began.IsZero() {
		calls = append(calls, func() error { return s.count(o, &o.uploads) })
	}
	if limit.daily != unlimited || limit.kib != unlimited {
		if o.past != nil {
			o.closeHours(now)
		}
		if o.past == nil || len(o.open) > maxOpen {
			calls = append(calls, func() error { return s.countNewHours(o, now) })
		}
	}
	return len(calls) > 0, concurrently(calls...)
}

// closeHours moves the hours that are over, and were counted after their end, to the past ones. It
// adds those that have begun by the fastest of the clocks; they are still empty.
func (o *ownerCounts) closeHours(now time.Time) {
	p := o.past
	for _, hour := range hoursFrom(p.Through, now) {
		c := o.open[hour]
		if c == nil {
			o.open[hour] = &count{hour: hour, stamp: stamp{began: startOf(hour).Add(-clockTolerance)}}
		} else if p.Through == hour && !c.began.Before(startOf(hour).Add(time.Hour+clockTolerance)) {
			p.setHour(hour, hourUsage{Jobs: c.used.daily + c.spent.daily, KiB: c.used.kib + c.spent.kib})
			p.Through = hourOf(startOf(hour).Add(time.Hour))
			delete(o.open, hour)
		}
	}
	p.sumOldHours(now)
}

// countNewHours counts the hours of the index after the past ones, which this process knows, or
// another one has written to usage/.
func (s *Store) countNewHours(o *ownerCounts, now time.Time) error {
	began := time.Now()
	note := s.readUsage(o.folder, now)
	p := o.past
	if p == nil || note != nil && note.Through > p.Through {
		p = note
	}
	if p == nil || p.Through < hourOf(now.Add(-day)) {
		return s.countAll(o, now)
	}
	noted := note != nil && note.Through == hourOf(now.Add(-clockTolerance))
	counts, err := s.countHours(o.folder, hoursFrom(p.Through, now))
	if err != nil {
		return err
	}
	o.setCounts(p, counts, now, stampOf(began))
	if !noted {
		s.writeUsage(o.folder, p)
	}
	return nil
}

// countAll counts all hours of an owner in the index.
func (s *Store) countAll(o *ownerCounts, now time.Time) error {
	began := time.Now()
	hours, err := s.ownerHours(o.folder, now)
	if err == nil && len(hours) == 0 {
		err = s.checkReachable() // missing folders look like empty ones
	}
	if err != nil {
		return err
	}
	counts, err := s.countHours(o.folder, hours)
	if err != nil {
		return err
	}
	p := &pastUsage{V: usageVersion, Hours: map[string]hourUsage{}}
	o.setCounts(p, counts, now, stampOf(began))
	o.lastFull = stampOf(began)
	s.writeUsage(o.folder, p)
	return nil
}

// setCounts sets the counts of all hours that are not in p.
func (o *ownerCounts) setCounts(p *pastUsage, counts map[string]hourUsage, now time.Time, at stamp) {
	p.Through = hourOf(now.Add(-clockTolerance))
	for hour, t := range counts {
		if hour < p.Through {
			p.setHour(hour, t)
		}
	}
	p.sumOldHours(now)
	o.past = p
	maps.DeleteFunc(o.open, func(hour string, _ *count) bool { return hour < p.Through })
	o.closeHours(now)
	for hour, c := range o.open {
		c.set(counts[hour].use(), at)
	}
}

package store

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An owner's index names what each job counts for: <id>.<KiB>, and once it is erased,
// for as long as it counts as a submission of the last 24 hours, <id>.gone. Its folders are
// those of [indexFolder]. Hours that are over only lose names, so that what was counted of
// them once is never too little and need not be listed again. It is kept in usage/, for
// processes that come to know the owner later: a function's, in the first place.

const (
	day = 24 * time.Hour
	// settle is how far the clocks of those who submit may be apart, and how long a
	// submission may take from its id to its place in the index.
	clockTolerance = 10 * time.Minute
	// goneCharge stands for the KiB of a job that was erased.
	goneCharge = "gone"
)

// hourForm is how the folder of an hour is named.
const hourForm = "2006/01/02/15"

func hourOf(at time.Time) string { return at.UTC().Format(hourForm) }

// startOf is when an hour that hourOf has named begins.
func startOf(hour string) time.Time {
	at, _ := time.Parse(hourForm, hour)
	return at
}

// ownerFolder names what is kept of an owner. Owners' names are whatever somebody
// configured, so it is a hash.
func ownerFolder(owner string) string { return job.OwnerHash(owner) }

// A tally is what was submitted in an hour.
type hourUsage struct {
	Jobs int64 `json:"jobs"` // erased ones too
	KiB  int64 `json:"kib"`  // of those that are there
}

func (t hourUsage) use() use { return use{daily: t.Jobs, kib: t.KiB} }

func (t hourUsage) plus(u hourUsage) hourUsage { return hourUsage{t.Jobs + u.Jobs, t.KiB + u.KiB} }

// A past is what was counted of hours that are over: the content of usage/<owner>.
type pastUsage struct {
	V       int                  `json:"v"`
	Through string               `json:"through"` // the first hour that is yet to be listed again
	Old     int64                `json:"old_kib"` // of hours before those that follow
	Hours   map[string]hourUsage `json:"hours"`   // of the last day and a little more
}

const usageVersion = 1

// use is what was submitted in the last day, and what is stored of all.
func (p *pastUsage) use(now time.Time) (u use) {
	u.kib = p.Old
	for hour, t := range p.Hours {
		u.kib += t.KiB
		if hour >= hourOf(now.Add(-day)) {
			u.daily += t.Jobs
		}
	}
	return u
}

// set takes in an hour that is over.
func (p *pastUsage) setHour(hour string, t hourUsage) {
	if t != (hourUsage{}) {
		p.Hours[hour] = t
	}
}

// age adds up the hours that count for no day any more.
func (p *pastUsage) sumOldHours(now time.Time) {
	for hour, t := range p.Hours {
		if hour < hourOf(now.Add(-day-time.Hour)) {
			p.Old += t.KiB
			delete(p.Hours, hour)
		}
	}
}

// hoursFrom are the hours from one on that may hold jobs by now.
func hoursFrom(first string, now time.Time) (hours []string) {
	for at := startOf(first); !at.After(now.Add(clockTolerance)); at = at.Add(time.Hour) {
		hours = append(hours, hourOf(at))
	}
	return hours
}

// hoursWith lists all hours that an owner has in the index.
func (s *Store) ownerHours(folder string, now time.Time) ([]string, error) {
	return s.hoursIn(filepath.Join(s.dir, ownersDir, folder), "", now)
}

func (s *Store) usagePath(folder string) string { return filepath.Join(s.dir, usageDir, folder) }

// readPast reads what another process has counted; nil where there is nothing that
// can be read, which costs a count.
func (s *Store) readUsage(folder string, now time.Time) *pastUsage {
	b, _, err := s.readFile(s.usagePath(folder))
	if err != nil {
		return nil
	}
	p := new(pastUsage)
	if err := json.Unmarshal(b, p); err != nil || !p.valid(now) {
		return nil
	}
	// By this process's clock some of it may not be over.
	p.Through = min(p.Through, hourOf(now.Add(-clockTolerance)))
	maps.DeleteFunc(p.Hours, func(hour string, _ hourUsage) bool { return hour >= p.Through })
	return p
}

func (p *pastUsage) valid(now time.Time) bool {
	const most = 1 << 50
	last := hourOf(now.Add(clockTolerance))
	isHour := func(hour string) bool {
		at, err := time.Parse(hourForm, hour)
		return err == nil && hourOf(at) == hour && hour <= last
	}
	ok := p.V == usageVersion && p.Hours != nil && len(p.Hours) <= 48 && p.Old >= 0 && p.Old <= most && isHour(p.Through)
	for hour, t := range p.Hours {
		ok = ok && isHour(hour) && t.Jobs >= 0 && t.KiB >= 0 && t.Jobs <= most && t.KiB <= most
	}
	return ok
}

// writePast leaves for others what was counted. Where that fails they count for
// themselves.
func (s *Store) writeUsage(folder string, p *pastUsage) {
	b, err := json.Marshal(p)
	if err != nil {
		return // numbers and names: can't be
	}
	tmp := s.tempPath(rand.Text())
	if _, err = s.createUnsynced(tmp, b); err == nil {
		err = s.rename(tmp, s.usagePath(folder))
	}
	if err != nil {
		_ = s.remove(tmp)
	}
}

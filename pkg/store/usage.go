package store

import (
	"crypto/rand"
	"encoding/json"
	"maps"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An owner's index has a name for each job: <id>.<KiB>, and after it is erased, while it counts as
// a submission of the last 24 hours, <id>.gone. For its folders see [indexFolder]. The hours that
// are over only lose names. So their count is never too small, and they need not be listed again.
// It is kept in usage/ for processes that count the owner for the first time, which functions often
// do.

const (
	day = 24 * time.Hour
	// clockTolerance is how much the clocks of the machines that accept jobs may differ, including
	// the time that a submission takes from its id to its name in the index.
	clockTolerance = 10 * time.Minute
	// goneMark replaces the KiB in the name of a job that was erased.
	goneMark = "gone"
)

// hourForm is the name of an hour's folder.
const hourForm = "2006/01/02/15"

func hourOf(at time.Time) string { return at.UTC().Format(hourForm) }

// startOf returns when an hour begins, as named by hourOf.
func startOf(hour string) time.Time {
	at, _ := time.Parse(hourForm, hour)
	return at
}

// ownerFolder returns the name of an owner's folders: a hash, because an owner's name is any text
// from the configuration.
func ownerFolder(owner string) string { return job.OwnerHash(owner) }

// An hourUsage is what was submitted in an hour.
type hourUsage struct {
	Jobs int64 `json:"jobs"` // erased ones too
	KiB  int64 `json:"kib"`  // of those that exist
}

func (t hourUsage) use() use { return use{daily: t.Jobs, kib: t.KiB} }

func (t hourUsage) plus(u hourUsage) hourUsage { return hourUsage{t.Jobs + u.Jobs, t.KiB + u.KiB} }

// A pastUsage is the count of the hours that are over: the content of usage/<owner>.
type pastUsage struct {
	V       int                  `json:"v"`
	Through string               `json:"through"` // the first hour that is not counted here, and must be listed
	Old     int64                `json:"old_kib"` // KiB of the hours before those in Hours
	Hours   map[string]hourUsage `json:"hours"`   // the hours of the last 25 h
}

const usageVersion = 1

// use returns what was submitted in the last day, and what all jobs store.
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

// setHour sets the count of an hour that is over.
func (p *pastUsage) setHour(hour string, t hourUsage) {
	if t != (hourUsage{}) {
		p.Hours[hour] = t
	}
}

// sumOldHours moves the hours that count for no day any more to Old.
func (p *pastUsage) sumOldHours(now time.Time) {
	for hour, t := range p.Hours {
		if hour < hourOf(now.Add(-day-time.Hour)) {
			p.Old += t.KiB
			delete(p.Hours, hour)
		}
	}
}

// hoursFrom returns the hours from a given one on that may have jobs by now.
func hoursFrom(first string, now time.Time) (hours []string) {
	for at := startOf(first); !at.After(now.Add(clockTolerance)); at = at.Add(time.Hour) {
		hours = append(hours, hourOf(at))
	}
	return hours
}

// ownerHours lists all hours that an owner's index has.
func (s *Store) ownerHours(folder string, now time.Time) ([]string, error) {
	return s.hoursIn(filepath.Join(s.dir, ownersDir, folder), "", now)
}

func (s *Store) usagePath(folder string) string { return filepath.Join(s.dir, usageDir, folder) }

// readUsage reads what another process has counted; nil if there is nothing valid, and the caller
// must count.
func (s *Store) readUsage(folder string, now time.Time) *pastUsage {
	b, _, err := s.readFile(s.usagePath(folder))
	if err != nil {
		return nil
	}
	p := new(pastUsage)
	if err := json.Unmarshal(b, p); err != nil || !p.valid(now) {
		return nil
	}
	// By this process's clock some of the hours may not be over.
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

// writeUsage stores a count for other processes. If that fails, they count themselves.
func (s *Store) writeUsage(folder string, p *pastUsage) {
	b, err := json.Marshal(p)
	if err != nil {
		return // not possible for numbers and strings
	}
	tmp := s.tempPath(rand.Text())
	if _, err = s.createUnsynced(tmp, b); err == nil {
		err = s.rename(tmp, s.usagePath(folder))
	}
	if err != nil {
		_ = s.remove(tmp)
	}
}

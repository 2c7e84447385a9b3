package sweeper

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A memory is what a sweep knows of those before it, whoever made them.
type memory struct {
	mu     sync.Mutex
	unread bool // what the last sweep has left is there, and could not be read

	Jobs  jobsMemory            `json:"jobs"`
	Tasks map[string]taskMemory `json:"tasks"`
}

// A jobsMemory is how far the sweeps have come with active jobs. They look at all of them in a round, which may take many
// sweeps.
type jobsMemory struct {
	Cursor     string    `json:"cursor"`     // the last folder that was looked at, "" if all were
	Counted    int       `json:"counted"`    // unfinished jobs up to there
	Unfinished int       `json:"unfinished"` // when all were looked at last
	CountedAt  time.Time `json:"counted_at"` // then

	Shortfalls int              `json:"shortfalls"` // comparisons in a row that found fewer messages than jobs
	Missing    int              `json:"missing"`    // how many fewer, as far as they were not sent again
	Messages   int              `json:"messages"`   // on the queue when the round began
	Claimed    map[string]int64 `json:"claimed"`    // see overtaken: in milliseconds since 1970, by the hash of the owner

	Backlog store.Backlog `json:"backlog"` // of the last sweep
}

// compare compares the jobs that are known to be unfinished with the messages on the queue. Before a round has come to its
// end, too few messages tell something, and enough tell nothing. Jobs that were counted early in the round may have finished
// since, with their messages: so there are to be fewer than when it began, too.
func (m *jobsMemory) compare(r *round, messages int) {
	if r.first {
		m.Messages = messages
	}
	missing := max(m.Counted, r.unfinished) - max(m.Messages, messages)
	switch {
	case missing > 0 && r.last:
		m.Shortfalls, m.Missing = m.Shortfalls+1, missing
	case missing > 0:
		m.Shortfalls, m.Missing = m.Shortfalls+1, max(m.Missing, missing)
	case r.last:
		m.Shortfalls, m.Missing = 0, 0
	}
}

// mostClaimed is of how many owners Claimed has something: a note has 64 KiB at most.
const mostClaimed = 500

// noteClaims notes of owners when the youngest run was asked for that a worker is at. Those of before a time say
// nothing any more.
func (m *jobsMemory) noteClaims(claimed map[string]time.Time, before time.Time) {
	all := map[string]int64{} // another one, since the old one may be being written
	maps.Copy(all, m.Claimed)
	for owner, at := range claimed {
		hash := job.OwnerHash(owner)
		all[hash] = max(all[hash], at.UnixMilli())
	}
	first := before.UnixMilli()
	if len(all) > mostClaimed {
		times := slices.Sorted(maps.Values(all))
		first = max(first, times[len(times)-mostClaimed])
	}
	maps.DeleteFunc(all, func(_ string, at int64) bool { return at < first })
	m.Claimed = all
}

// overtaken reports whether a worker is at a run of the job's owner that was asked for more than so long after the job was
// sent: its message is lost then.
func (m *jobsMemory) overtaken(w waiting, by time.Duration) bool {
	return m.Claimed[job.OwnerHash(w.Owner)] > w.announced.Add(by).UnixMilli()
}

func (m *memory) task(name string) taskMemory {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Tasks[name]
}

func (m *memory) setTask(name string, t taskMemory) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Tasks == nil {
		m.Tasks = map[string]taskMemory{}
	}
	m.Tasks[name] = t
}

// recall reads what the last sweep has left. What is damaged is as good as nothing. After an error nothing is known, and what
// could not be read is left as it is.
func (s *Sweeper) recall() (*memory, error) {
	m := new(memory)
	note, err := s.Store.Note(store.SweepNote)
	if err != nil && !errors.Is(err, job.ErrDamagedJob) {
		m.unread = true
		return m, err
	}
	if err == nil && note != nil {
		err = json.Unmarshal(note, m)
	}
	if err != nil {
		s.Log.Warn("the last sweep's note is lost", "error", err)
		m = new(memory)
	}
	return m, nil
}

// save leaves the memory to the next sweep. It is called whenever a part of a sweep is done, so that one that is
// killed does not make all that it did be done again.
func (s *Sweeper) save(m *memory) error {
	if m.unread {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	note, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return s.Store.SetNote(store.SweepNote, note)
}

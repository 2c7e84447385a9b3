package sweeper

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// progress is what a sweep leaves for the next one, which may be that of another process.
type progress struct {
	mu    sync.Mutex
	saved []byte // as last stored by this sweep

	Jobs  jobsProgress            `json:"jobs"`
	Tasks map[string]taskProgress `json:"tasks"`
}

// jobsProgress is the progress of checking the active jobs. A pass through all of them may take
// several sweeps.
type jobsProgress struct {
	Cursor      string    `json:"cursor"`       // the last folder, or job in a folder, that was checked; "" if all were
	Counted     int       `json:"counted"`      // unfinished jobs in this pass so far
	CountedLate int       `json:"counted_late"` // late ones among them, see lateAge
	Unfinished  int       `json:"unfinished"`   // in the last complete pass
	Late        int       `json:"late"`         // late ones among them
	CountedAt   time.Time `json:"counted_at"`   // the end of that pass

	Shortfalls int              `json:"shortfalls"` // consecutive comparisons that found fewer messages than jobs
	Missing    int              `json:"missing"`    // messages that are missing and were not sent again yet
	Messages   int              `json:"messages"`   // in the queue at the start of the pass
	Claimed    map[string]int64 `json:"claimed"`    // see recordClaims

	Backlog store.Backlog `json:"backlog"` // of the last sweep
}

func (m *progress) task(name string) taskProgress {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.Tasks[name]
}

func (m *progress) setTask(name string, t taskProgress) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.Tasks == nil {
		m.Tasks = map[string]taskProgress{}
	}
	m.Tasks[name] = t
}

// saveProgress stores the progress for the next sweep. It is called after each part of a sweep, so
// a sweep that is killed loses only the current part. If another part has stored the same already,
// nothing is stored, because that could replace the progress of the next sweep if that has begun
// meanwhile.
func (s *Sweeper) saveProgress(m *progress) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	note, err := json.Marshal(m)
	if err != nil || bytes.Equal(note, m.saved) {
		return err
	}
	if err = s.Store.SetNote(store.SweepNote, note); err == nil {
		m.saved = note
	}
	return err
}

package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// runBegan returns when a run was begun by a submission or retry, by the file server's clock.
func (s *Store) runBegan(id job.ID, run int) (time.Time, error) {
	begunBy := inputFile // not the spec: its other name, the entry in active/, is touched
	if run > 1 {
		begunBy = runFile(run)
	}
	return s.modTime(filepath.Join(s.jobDir(id), begunBy))
}

// MessageSentLately reports whether a message for a job's current run was sent lately: within the
// given time, or within as long as the run had waited when that message was sent. A caller that sends
// a message only if this is false therefore sends at intervals that double. It is false if the message
// was sent within minMessageDelay of the run's beginning, because that can't be distinguished from the
// creation of the entry in active/.
func (s *Store) MessageSentLately(j job.Job, within time.Duration) (bool, error) {
	sent, err := s.modTime(s.entryPath(EntryOf(j)))
	if err != nil {
		return false, err
	}
	began, err := s.runBegan(j.ID, j.Run)
	if err != nil {
		return false, err
	}
	waited := sent.Sub(began)
	if waited < minMessageDelay {
		return false, nil
	}
	now, err := s.serverNow()
	if err != nil {
		return false, err
	}
	return now.Sub(sent) < max(waited, within), nil
}

// minMessageDelay is the time after a run's beginning from which a change of its entry in active/ is
// known to come from [Store.RecordMessageSent].
const minMessageDelay = 500 * time.Millisecond

// RecordMessageSent records that a message for an active job was sent just now. It does nothing if the
// run has ended meanwhile.
func (s *Store) RecordMessageSent(e Entry) error {
	err := s.touch(s.entryPath(e))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the run has ended meanwhile
	}
	return err
}

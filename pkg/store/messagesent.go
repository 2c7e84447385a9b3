package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// runBegan returns when a run was begun by a submission or a retry, by the file server's clock.
func (s *Store) runBegan(id job.ID, run int) (time.Time, error) {
	begunBy := inputFile // not the spec: its other name, the entry in active/, is touched
	if run > 1 {
		begunBy = runFile(run)
	}
	return s.modTime(filepath.Join(s.jobDir(id), begunBy))
}

// MessageSentLately reports whether the last message for a job's current run was sent lately. The
// limit is within, or the time that the run had waited when that message was sent, whichever is
// longer. So a caller that sends a message only if the result is false sends at intervals that
// double. The result is false if the message was sent within half a second of the run's beginning,
// because that can't be distinguished from the making of the entry in active/.
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

// minMessageDelay is the time after a run's beginning from which a new time of its entry in active/
// is known to come from [Store.RecordMessageSent].
const minMessageDelay = 500 * time.Millisecond

// RecordMessageSent records that a message for an active job was sent just now. If the run has
// ended meanwhile, it does nothing.
func (s *Store) RecordMessageSent(e Entry) error {
	err := s.touch(s.entryPath(e))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the run has ended meanwhile
	}
	return err
}

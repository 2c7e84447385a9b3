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

// AnnouncedLately reports whether a message for a job's current run is known to have been sent
// within a time, or within as long as the run had waited when it was sent. So a caller that sends a
// message unless this is true sends at intervals that double. A message sent within
// minAnnounceDelay of the run's beginning is not known, because the entry in active/ is made then
// in any case.
func (s *Store) AnnouncedLately(j job.Job, within time.Duration) (bool, error) {
	announced, err := s.modTime(s.entryPath(EntryOf(j)))
	if err != nil {
		return false, err
	}
	began, err := s.runBegan(j.ID, j.Run)
	if err != nil {
		return false, err
	}
	waited := announced.Sub(began)
	if waited < minAnnounceDelay {
		return false, nil
	}
	now, err := s.serverNow()
	if err != nil {
		return false, err
	}
	return now.Sub(announced) < max(waited, within), nil
}

// minAnnounceDelay is the time after a run's beginning from which a change of its entry in active/
// is known to come from [Store.Announced].
const minAnnounceDelay = 500 * time.Millisecond

// Announced records that a message for an active job was sent just now.
func (s *Store) Announced(e Entry) error {
	err := s.touch(s.entryPath(e))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the run has ended meanwhile
	}
	return err
}

package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// runBegan is when a run was asked for, by the file server's clock.
func (s *Store) runBegan(id job.ID, run int) (time.Time, error) {
	asked := inputFile // not the spec: that is the entry in active/, which is touched
	if run > 1 {
		asked = runFile(run)
	}
	return s.modTime(filepath.Join(s.jobDir(id), asked))
}

// AnnouncedLately says whether a job's current run is known to have been sent to the
// queue within a time, or within as long as it had waited by then, so that who goes by
// it sends at intervals that double. What was sent within noted of the run's beginning
// is not known, since the entry is made then whether the message was sent or not.
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

// noted is the time between a run's beginning and its entry's change from which that is
// one by [Store.Announced].
const minAnnounceDelay = 500 * time.Millisecond

// Announced notes that an active job was sent to the queue just now.
func (s *Store) Announced(e Entry) error {
	err := s.touch(s.entryPath(e))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has finished meanwhile
	}
	return err
}

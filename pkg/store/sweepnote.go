package store

import (
	"errors"
	"io/fs"
	"path/filepath"
)

// A Note is the name of a small file in sweep/, in which a process leaves data for later ones.
type Note string

// The notes. Each has one writer at a time, or versions (see [Store.SetNoteVersion]).
const (
	SweepNote   Note = "memory.json"  // from one sweep for the next
	backlogNote Note = "backlog.json" // see [Backlog]
	horizonNote Note = "horizon.json" // see [Store.Unknown]
	CopyNote    Note = "copy.json"    // the state of copying to the bucket, with versions
	CopiedNote  Note = "copied.json"  // the last copy whose end was handled
)

// Note returns the content of a note; nil if there is none. For one of more than 64 KiB, or one
// that is not a regular file, the error is job.ErrDamagedJob.
func (s *Store) Note(n Note) ([]byte, error) {
	b, _, err := s.readFile(filepath.Join(s.dir, sweepDir, string(n)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// SetNote replaces the content of a note, durably and for readers at once. The content must not be
// longer than [Store.Note] reads.
func (s *Store) SetNote(n Note, content []byte) error {
	return s.replaceFile(filepath.Join(s.dir, sweepDir, string(n)), content)
}

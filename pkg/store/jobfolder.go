package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// A life is what the names in a job's folder say. They are the truth about a
// job; the status only follows them.
type jobFolder struct {
	id      job.ID
	dir     *os.File // the job's folder, open; for its fsync
	run     int      // the current run: 1, or the highest run.R
	ended   bool     // there is final.R of the current run
	claim   int      // the last claim's number, 0 without any
	claims  []int    // the numbers of the others
	outputs []string // pictures and thumbnails
	temps   []string // temporary files, of the living and of the dead
	preview bool     // the submitted picture's is there
	entry   string   // the job's entry in active/, where that is known otherwise than by its records
}

// look reads the names in a job's folder. A listing is asked for, and not one
// name after the other, because NFS clients remember that a name was missing.
// The caller closes the life.
func (s *Store) openJobFolder(id job.ID) (*jobFolder, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	var dir *os.File
	var names []string
	open := func() (err error) { dir, names, err = s.openDir(s.jobDir(id)); return err }
	err := s.explainMissing(id, open)
	if err == nil && !slices.Contains(names, statusFile) {
		// It is being replaced, or the job erased: an NFS client may find the folder in its
		// old place for a while, and sees there what is not removed yet.
		_ = dir.Close() // read only
		if err = s.refresh(s.jobsFolder(id)); err == nil {
			err = s.explainMissing(id, open)
		}
	}
	if err != nil {
		return nil, err
	}
	l := &jobFolder{id: id, dir: dir}
	l.parse(names)
	return l, nil
}

// read sets what the names say.
func (l *jobFolder) parse(names []string) {
	l.run, l.ended, l.claim, l.claims, l.outputs, l.temps, l.preview = 1, false, 0, nil, nil, nil, false
	finals := map[int]bool{}
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) {
			l.temps = append(l.temps, name)
			continue
		}
		l.preview = l.preview || name == previewFile
		kind, number, _ := strings.Cut(name, ".")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > maxNumber || strconv.Itoa(n) != number {
			continue // not ours
		}
		switch kind {
		case "run":
			l.run = max(l.run, n)
		case "final":
			finals[n] = true
		case "claim":
			l.claim = max(l.claim, n)
			l.claims = append(l.claims, n)
		case "out", "thumb":
			l.outputs = append(l.outputs, name)
		}
	}
	l.ended = finals[l.run]
}

func (l *jobFolder) close() { _ = l.dir.Close() } // read only

// truth is the record of the latest event of a job's life.
func (s *Store) latestEvent(l *jobFolder) (*record, error) {
	r, err := s.readLatestEvent(l)
	if errors.Is(err, fs.ErrNotExist) { // the folder is away since we looked
		if err = s.whyMissing(l.id); err == nil {
			err = fmt.Errorf("%w: it was changed meanwhile", job.ErrBusy)
		}
	}
	return r, err
}

func (s *Store) readLatestEvent(l *jobFolder) (*record, error) {
	if l.ended {
		return s.readRecord(l.id, finalFile(l.run))
	}
	if l.claim > 0 {
		r, err := s.readClaim(l)
		if err != nil {
			return nil, err
		}
		if r.Run == l.run {
			if r.released() {
				r.giveBack(r.written.Equal(releasedCounted))
			}
			return r, nil
		}
	}
	if l.run > 1 {
		return s.readRecord(l.id, runFile(l.run))
	}
	spec, err := s.spec(l.id)
	if err != nil {
		return nil, err
	}
	return newRecord(spec.New()), nil
}

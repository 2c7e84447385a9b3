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

// A jobFolder is what the names in a job's folder show. The names are authoritative; the status
// follows them.
type jobFolder struct {
	id      job.ID
	dir     *os.File // the job's open folder, for syncs and further listings
	run     int      // the current run: 1, or the highest run.R
	ended   bool     // final.R of the current run exists
	claim   int      // the number of the last claim; 0 if there is none
	claims  []int    // the numbers of all claims
	outputs []string // pictures and thumbnails
	temps   []string // temporary files, in use or left by processes that died
	preview bool     // the preview of the submitted picture exists
	entry   string   // path of the job's entry in active/; "" if it is to be derived from the job's owner
}

// openJobFolder opens a job's folder and reads the names in it. It lists the folder instead of
// looking for one name after the other, because NFS clients cache that a name is missing. The
// caller closes the result.
func (s *Store) openJobFolder(id job.ID) (*jobFolder, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	var dir *os.File
	var names []string
	open := func() (err error) { dir, names, err = s.openDir(s.jobDir(id)); return err }
	err := s.explainMissing(id, open)
	if err == nil && !slices.Contains(names, statusFile) {
		// The status is being replaced, or the job is being erased: an NFS client may find the
		// folder in its old place for a while, with the names that are not removed yet.
		_ = dir.Close() // read only
		if err = s.refresh(s.jobsFolder(id)); err == nil {
			err = s.explainMissing(id, open)
		}
	}
	if err != nil {
		return nil, err
	}
	f := &jobFolder{id: id, dir: dir}
	f.parse(names)
	return f, nil
}

// parse sets the fields from the names in the folder.
func (f *jobFolder) parse(names []string) {
	f.run, f.ended, f.claim, f.claims, f.outputs, f.temps, f.preview = 1, false, 0, nil, nil, nil, false
	finals := map[int]bool{}
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) {
			f.temps = append(f.temps, name)
			continue
		}
		f.preview = f.preview || name == previewFile
		kind, number, _ := strings.Cut(name, ".")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > maxNumber || strconv.Itoa(n) != number {
			continue // not a name of the store
		}
		switch kind {
		case "run":
			f.run = max(f.run, n)
		case "final":
			finals[n] = true
		case "claim":
			f.claim = max(f.claim, n)
			f.claims = append(f.claims, n)
		case "out", "thumb":
			f.outputs = append(f.outputs, name)
		}
	}
	f.ended = finals[f.run]
}

func (f *jobFolder) close() { _ = f.dir.Close() } // read only

// latestEvent returns the record of the job's latest event.
func (s *Store) latestEvent(f *jobFolder) (*record, error) {
	r, err := s.readLatestEvent(f)
	if errors.Is(err, fs.ErrNotExist) { // the folder was moved after it was listed
		if err = s.whyMissing(f.id); err == nil {
			err = fmt.Errorf("%w: another process has changed it", job.ErrBusy)
		}
	}
	return r, err
}

func (s *Store) readLatestEvent(f *jobFolder) (*record, error) {
	if f.ended {
		return s.readRecord(f.id, finalFile(f.run))
	}
	if f.claim > 0 {
		r, err := s.readClaim(f)
		if err != nil {
			return nil, err
		}
		if r.Run == f.run {
			if r.released() {
				r.giveBack(r.written.Equal(releasedCounted))
			}
			return r, nil
		}
	}
	if f.run > 1 {
		return s.readRecord(f.id, runFile(f.run))
	}
	spec, err := s.spec(f.id)
	if err != nil {
		return nil, err
	}
	return newRecord(spec.New()), nil
}

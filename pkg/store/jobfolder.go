package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

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

// tidy brings the files of a job whose run has ended in line with that, whatever
// whoever ended it had no time for: the status, the names in published/, what
// nobody refers to, and last the entry in active/.
func (s *Store) repairEnded(l *jobFolder) error {
	final, err := s.readRecord(l.id, finalFile(l.run))
	if err != nil {
		return err
	}
	status, err := s.readRecord(l.id, statusFile)
	if err != nil && !errors.Is(err, errUnreadable) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || status.Token != final.Token {
		if err := s.showOutcome(l); err != nil {
			return err
		}
	}
	return s.completeRun(l, final)
}

// conclude does what is left to do when a run has ended and its status says so.
func (s *Store) completeRun(l *jobFolder, final *record) error {
	if err := errors.Join(s.publish(l, final), s.removeLeftovers(l, final)); err != nil {
		return err
	}
	return s.deactivate(l, final)
}

// showFinal moves the run's outcome over the status.
func (s *Store) showOutcome(l *jobFolder) error {
	tmp := filepath.Join(l.dir.Name(), tempPrefix+rand.Text())
	err := s.link(filepath.Join(l.dir.Name(), finalFile(l.run)), tmp)
	if err == nil {
		err = s.rename(tmp, filepath.Join(l.dir.Name(), statusFile))
	}
	// Also without an error: rename(2) does nothing between two names of one file.
	if err = errors.Join(err, s.remove(tmp)); err != nil {
		return err
	}
	return s.sync(l.dir)
}

// removeRest removes what nobody needs after the end of a run: temporary files,
// and pictures and thumbnails but those of the result. Whoever is about to link one
// of them finds it gone, and looks again.
func (s *Store) removeLeftovers(l *jobFolder, final *record) error {
	var errs []error
	for _, name := range l.temps {
		errs = append(errs, s.remove(filepath.Join(l.dir.Name(), name)))
	}
	for _, name := range l.outputs {
		if final.State != job.Succeeded || name != outputFile(final.Claim) && name != thumbFile(final.Claim) {
			errs = append(errs, s.remove(filepath.Join(l.dir.Name(), name)))
		}
	}
	return errors.Join(errs...)
}

// deactivate takes a finished job out of active/. A retry can come between, and
// needs the entry again: it has a file in the job's folder before it makes the
// entry, so one of the two sees the other, even if the retrier dies. Where this process dies
// before it has looked, the entry under its other name is left for the sweeper. The folder is
// listed afresh, because NFS clients remember that a name was missing.
func (s *Store) deactivate(l *jobFolder, final *record) error {
	entry := l.entry
	if entry == "" {
		entry = s.activePath(final.Owner, l.id)
	}
	if final.State == job.Succeeded { // can't be retried
		err := s.remove(entry)
		if err == nil {
			s.noteFreed(final.Owner)
		}
		return err
	}
	leaving := entry + leavingSuffix
	if err := s.rename(entry, leaving); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil // others were quicker
		}
		return err
	}
	s.noteFreed(final.Owner)
	names, err := s.list(l.dir.Name())
	if err != nil {
		return errors.Join(err, s.activate(entry))
	}
	var since jobFolder
	if since.parse(names); since.run > l.run || len(since.temps) > 0 {
		err = s.activate(entry)
	}
	if err == nil {
		err = s.remove(leaving)
	}
	return err
}

// end ends the current run of a job from outside: the caller may be anybody.
// change says how, and anyway that it is to end even if nothing can be read of it any
// more; errTaken where somebody else ended it meanwhile.
func (s *Store) endRun(l *jobFolder, anyway bool, change func(*record)) (*record, error) {
	r, err := s.latestEvent(l)
	if errors.Is(err, errUnreadable) && anyway {
		// Somebody must be able to end what nobody can work on, and then to erase it.
		r, err = &record{Job: job.Job{
			ID: l.id, State: job.Queued, Run: l.run, Format: job.OutputFormats[0], CreatedAt: l.id.Time(),
		}, Claim: l.claim}, nil
		if status, serr := s.readRecord(l.id, statusFile); serr == nil && status.Run == l.run && !status.State.Finished() {
			r = status
		}
	}
	if err != nil {
		return nil, err
	}
	r.Token = newRecord(job.Job{}).Token
	change(r)
	return r, s.commitOutcome(l, r, unchecked)
}

// finish makes r the outcome of the current run. It is errTaken where there is
// one already; after any other error nobody knows. What can't be tidied up at
// once the entry in active/ keeps from being forgotten.
//
// before may call it off, as in [Store.happen].
func (s *Store) commitOutcome(l *jobFolder, r *record, before func(now time.Time) error) error {
	r.Worker, r.Lease, r.Crashed, r.Shared = "", 0, false, false
	run := l.run
	err := s.recordEvent(l.dir, finalFile(run), r, before)
	if !eventExists(err) {
		return err
	}
	if err == nil {
		_ = s.afterCommit(l, r) // it has ended all the same, and the entry stays
	}
	return nil
}

// leave tidies up after the run's end, as far as its outcome's maker must.
func (s *Store) afterCommit(l *jobFolder, final *record) error {
	names, err := s.listAgain(l.dir) // those who died in the race have left things too
	if err != nil {
		return err
	}
	if l.parse(names); l.run != final.Run {
		return nil // retried already
	}
	return s.completeRun(l, final)
}

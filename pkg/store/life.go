package store

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// A life is what the names in a job's folder say. They are the truth about a
// job; the status only follows them.
type life struct {
	id    job.ID
	dir   *os.File // the job's folder, open; for its fsync
	run   int      // the current run: 1, or the highest run.R
	ended bool     // there is final.R of the current run
	claim int      // the last claim's number, 0 without any
	outs  []int    // the numbers of the pictures that are there
	temps []string // temporary files, of the living and of the dead
}

// look reads the names in a job's folder. A listing is asked for, and not one
// name after the other, because NFS clients remember that a name was missing.
// The caller closes the life.
func (s *Store) look(id job.ID) (*life, error) {
	if err := check(id); err != nil {
		return nil, err
	}
	dir, names, err := s.openDir(s.jobDir(id))
	if errors.Is(err, fs.ErrNotExist) {
		err = s.missing(id)
	}
	if err != nil {
		return nil, err
	}
	l := &life{id: id, dir: dir, run: 1}
	finals := map[int]bool{}
	for _, name := range names {
		if strings.HasPrefix(name, tempPrefix) {
			l.temps = append(l.temps, name)
			continue
		}
		kind, number, _ := strings.Cut(name, ".")
		n, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		switch kind {
		case "run":
			l.run = max(l.run, n)
		case "final":
			finals[n] = true
		case "claim":
			l.claim = max(l.claim, n)
		case "out":
			l.outs = append(l.outs, n)
		}
	}
	l.ended = finals[l.run]
	slices.Sort(l.outs)
	return l, nil
}

func (l *life) close() { _ = l.dir.Close() } // read only

// truth is the record of the latest event of a job's life.
func (s *Store) truth(l *life) (*record, error) {
	r, err := s.latest(l)
	if errors.Is(err, fs.ErrNotExist) { // the folder is away since we looked
		err = s.missing(l.id)
	}
	return r, err
}

func (s *Store) latest(l *life) (*record, error) {
	if l.ended {
		return s.readRecord(l.id, finalFile(l.run))
	}
	if l.claim > 0 {
		r, err := s.readRecord(l.id, claimFile(l.claim))
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
// whoever ended it had no time for: the status, pictures that nobody refers to,
// temporary files, and last the entry in active/.
func (s *Store) tidy(l *life) error {
	final, err := s.readRecord(l.id, finalFile(l.run))
	if err != nil {
		return err
	}
	status, err := s.readRecord(l.id, statusFile)
	if err != nil && !errors.Is(err, errUnreadable) {
		return err
	}
	var errs []error
	if err != nil || status.Token != final.Token {
		tmp := l.dir.Name() + "/" + tempPrefix + "tidy" + final.Token
		errs = append(errs, s.remove(tmp), s.link(l.dir.Name()+"/"+finalFile(l.run), tmp),
			s.rename(tmp, l.dir.Name()+"/"+statusFile),
			s.remove(tmp)) // rename(2) does nothing between two names of one file
	}
	errs = append(errs, s.sweepOut(l, final), s.sync(l.dir))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return s.deactivate(l, final.State)
}

// sweepOut removes what a finished job no longer needs: temporary files, and
// pictures but the one that is the result.
func (s *Store) sweepOut(l *life, final *record) error {
	var errs []error
	for _, name := range l.temps {
		errs = append(errs, s.remove(l.dir.Name()+"/"+name))
	}
	for _, n := range l.outs {
		if final.State != job.Succeeded || n != final.Claim {
			errs = append(errs, s.remove(l.dir.Name()+"/"+outputFile(n)))
		}
	}
	return errors.Join(errs...)
}

// deactivate takes a finished job out of active/. A retry can come between, and
// needs the entry again: retry makes its run first and the entry after, so one
// of the two sees the other.
func (s *Store) deactivate(l *life, state job.State) error {
	if err := s.remove(s.activeAt(l.id)); err != nil {
		return err
	}
	if state == job.Succeeded {
		return nil // can't be retried
	}
	retried, err := s.exists(l.dir.Name() + "/" + runFile(l.run+1))
	if err == nil && retried {
		err = s.activate(l.id)
	}
	return err
}

// end ends the current run of a job from outside: the caller may be anybody.
// change says how; errTaken where somebody else ended it meanwhile.
func (s *Store) end(l *life, change func(*record)) (*record, error) {
	r, err := s.truth(l)
	if err != nil {
		return nil, err
	}
	r.Token = newRecord(job.Job{}).Token
	change(r)
	return r, s.finish(l, r)
}

// finish makes r the outcome of the current run. It is errTaken where there is
// one already; after any other error nobody knows. What can't be tidied up at
// once the entry in active/ keeps from being forgotten.
func (s *Store) finish(l *life, r *record) error {
	r.Worker, r.Lease = "", 0
	err := s.happen(l.dir, finalFile(l.run), r, always)
	if !happened(err) {
		return err
	}
	l.ended = true
	if err == nil {
		err = s.sweepOut(l, r)
	}
	if err == nil {
		_ = s.deactivate(l, r.State) // the entry stays
	}
	return nil
}

package store

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A turn is a file in sweep/ with this before its number. At maxTurn, which a turn a
// second reaches in thirty years, they begin again.
const (
	turnPrefix = "turn."
	maxTurn    = 999_999_999
)

// Turn says whether it is the caller's turn to sweep: of all who ask, on however
// many machines, one is told so, and nobody else until every has passed. A sweep
// that takes longer, or two that overlap, cost work and do no harm.
func (s *Store) Turn(every time.Duration) (bool, error) {
	won, err := s.turn(every)
	if err != nil {
		return false, fmt.Errorf("take a turn at sweeping: %w", err)
	}
	return won, nil
}

func (s *Store) turn(every time.Duration) (bool, error) {
	dir := filepath.Join(s.dir, sweepDir)
	names, err := s.list(dir)
	if err != nil {
		return false, err
	}
	last := 0
	for _, name := range names {
		number, is := strings.CutPrefix(name, turnPrefix)
		if n, err := strconv.Atoi(number); is && err == nil && n >= 1 && n <= maxTurn && strconv.Itoa(n) == number {
			last = max(last, n)
		}
	}
	at := func(n int) string { return filepath.Join(dir, fmt.Sprintf("%s%d", turnPrefix, n)) }
	tmp := s.tempPath(rand.Text())
	now, err := s.createWithSpare(tmp, nil)
	if err == nil && last > 0 {
		var before time.Time
		before, err = s.modTime(at(last))
		// A turn that is still to come was taken by a clock that has been set since.
		if age := now.Sub(before); err == nil && age >= 0 && age < every {
			return false, s.remove(tmp)
		}
	}
	next := last + 1
	if err == nil && last == maxTurn { // nobody came so far by counting
		next, err = 1, s.removeTree(at(last))
	}
	if err == nil {
		err = s.link(tmp, at(next))
	}
	if isFull(err) && last > 0 { // of two who try this one has something to rename
		if err = s.touch(at(last)); err == nil {
			err = s.rename(at(last), at(next))
		}
	}
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return false, s.remove(tmp) // somebody else was quicker
	}
	if err = errors.Join(err, s.remove(tmp)); err != nil {
		return false, err
	}
	for _, name := range names {
		if strings.HasPrefix(name, turnPrefix) && name != filepath.Base(at(last)) {
			_ = s.removeTree(filepath.Join(dir, name)) // what can't be removed must not keep us from sweeping
		}
	}
	return true, nil
}

// A Note is a small file in sweep/ that outlives the process that wrote it.
type Note string

// The notes, each with one writer at a time.
const (
	SweepNote   Note = "memory.json"  // of one sweep for the next
	backlogNote Note = "backlog.json" // see [Backlog]
	horizonNote Note = "horizon.json" // see [Store.Unknown]
	CopyNote    Note = "copy.json"    // of the state of copying to the bucket
	CopiedNote  Note = "copied.json"  // of the last copy whose end was handled
)

// Note returns the content of a note; nil if there is none.
func (s *Store) Note(n Note) ([]byte, error) {
	b, _, err := s.readFile(filepath.Join(s.dir, sweepDir, string(n)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// SetNote replaces the content of a note.
func (s *Store) SetNote(n Note, content []byte) error {
	return s.replaceFile(filepath.Join(s.dir, sweepDir, string(n)), content)
}

// A Checkup is what the sweeper must know of an active job.
type Checkup struct {
	Job       job.Job
	Leased    bool      // a worker is at it
	Abandoned bool      // its worker's lease has run out, and it was not announced since
	Announced time.Time // on the queue, for the last time that is known
	RunBegan  time.Time // when its current run was asked for, by the file server's clock
}

// Checkup looks at an active job, by the file server's clock at now, and sets
// right what can be set right: a run that has ended is tidied up, an erasure
// completed, an entry of a job that was never made removed when it is older
// than stale. Then there is nothing left to do, and the answer is
// job.ErrFinished, job.ErrGone or job.ErrNotFound. An ended run that can't be
// tidied up, because its result can't be published say, is an error of its own.
func (s *Store) Checkup(e Entry, now time.Time, stale time.Duration) (Checkup, error) {
	err := checkID(e.ID)
	var c Checkup
	if err == nil {
		c, err = s.checkup(e, now, stale)
	}
	if err != nil {
		return c, fmt.Errorf("check on job %s: %w", e.ID, err)
	}
	return c, nil
}

func (s *Store) checkup(e Entry, now time.Time, stale time.Duration) (c Checkup, err error) {
	id := e.ID
	c.Announced, err = s.modTime(s.entryPath(e))
	if errors.Is(err, fs.ErrNotExist) {
		// Whoever was tidying up has died, or is about to remove it.
		if err = s.rename(s.entryPath(e)+leavingSuffix, s.entryPath(e)); err == nil {
			c.Announced, err = s.modTime(s.entryPath(e))
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return c, job.ErrFinished
	}
	if err != nil {
		return c, err
	}
	l, err := s.openJobFolder(id)
	if errors.Is(err, job.ErrGone) {
		why := s.whyMissingOnDisk(id)
		if errors.Is(why, job.ErrGone) {
			return c, errors.Join(err, s.removeErasedEntry(e))
		}
		if why == nil { // the retention has put it back
			return c, err
		}
		err = why // it has expired, or was made long ago and never was a job
	}
	if errors.Is(err, job.ErrNotFound) && now.Sub(c.Announced) > stale {
		if ferr := s.removeNeverMade(e); !errors.Is(ferr, errInUse) { // then later
			err = errors.Join(err, ferr)
		}
		return c, err
	}
	if err != nil {
		return c, err
	}
	defer l.close()
	l.entry = s.entryPath(e)
	if err := s.removeOldTemps(l, now, stale); err != nil {
		return c, err
	}
	if gone, err := s.exists(s.tombstonePath(id)); err != nil {
		return c, err
	} else if gone { // somebody moved a draft to its place, slowly
		return c, errors.Join(job.ErrGone, s.erase(id, Erased))
	}
	if l.ended {
		err := s.repairEnded(l)
		if err == nil || errors.Is(err, fs.ErrNotExist) { // others are at it too
			err = errors.Join(job.ErrFinished, err)
		}
		return c, err
	}
	r, err := s.latestEvent(l)
	if err != nil {
		return c, err
	}
	expired := r.State == job.Running && r.expired(now)
	c.Job = r.public()
	if expired {
		c.Job.Attempts = r.attempts()
	}
	if c.RunBegan, err = s.runBegan(id, l.run); err != nil {
		return c, err
	}
	c.Leased = r.State == job.Running && !expired
	c.Abandoned = expired && c.Announced.Before(r.written.Add(r.lease()))
	return c, nil
}

// removeErased removes the entry of a job that was erased. One that is in its grave and has no tombstone may be about to be
// put back by the retention: its entry is left.
func (s *Store) removeErasedEntry(e Entry) error {
	stone, err := s.exists(s.tombstonePath(e.ID))
	if err != nil || !stone {
		return err
	}
	return s.remove(s.entryPath(e)) // the rest is EndErasures'
}

// forget removes what there is of a job that was never made, or has expired. Its draft goes out of
// the way first and in one step, so that nobody moves it to its place meanwhile.
func (s *Store) removeNeverMade(e Entry) error {
	id := e.ID
	away := s.discardedDir(id)
	err := s.rename(s.draftDir(id), away)
	if errors.Is(err, fs.ErrNotExist) {
		// Somebody may have moved it in the last moment. The folder is listed, because
		// NFS clients remember that a name was missing.
		var names []string
		if names, err = s.list(s.jobsFolder(id)); err == nil && slices.Contains(names, string(id)) {
			return nil
		}
	}
	if err != nil {
		return err
	}
	spec, err := s.readSpec(filepath.Join(away, specFile), id)
	switch {
	case err == nil:
		e.owner = ownerFolder(spec.Owner)
	case errors.Is(err, errUnreadable), errors.Is(err, fs.ErrNotExist):
		// Half written, and so without a key or a place in the index; or removed already.
		spec, err = job.Spec{ID: id}, nil
	}
	if err == nil && spec.Key != "" {
		err = s.removeKey(&spec, spec.Key)
	}
	if err == nil {
		err = s.giveBackUploads(&spec)
	}
	if err == nil {
		err = s.removeFilesAndPublished(away, &spec)
	}
	if err == nil && e.owner != "" {
		err = s.removeFromOwnerIndex(e.owner, id)
	}
	if err == nil {
		err = s.removeTree(away)
	}
	if err == nil && e.owner != "" {
		err = s.remove(s.entryPath(e))
	}
	return err
}

// removeOldTemps removes the temporary files of those who died at a job that is not
// finished: each attempt can leave some. Whoever is only slow finds its own gone, and
// looks again.
func (s *Store) removeOldTemps(l *jobFolder, now time.Time, stale time.Duration) error {
	for _, name := range l.temps {
		path := filepath.Join(l.dir.Name(), name)
		at, err := s.modTime(path)
		if err == nil && now.Sub(at) > stale {
			err = s.remove(path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

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

// Now is the file server's clock, by which ages are judged.
func (s *Store) Now() (time.Time, error) { return s.serverNow() }

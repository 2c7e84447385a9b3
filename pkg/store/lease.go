package store

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Lease is a worker's right to run a job, won by [Store.Claim]. It ends with
// Succeed, Fail, Release or Close; after an error of Succeed or Fail, other than
// job.ErrLeaseLost, one of the latter two is due. Renew and Check may be called from another
// goroutine, also while Succeed or Fail are at work, and must have returned before
// Release is called.
type Lease struct {
	Spec    job.Spec
	Run     int
	Attempt int       // 1 for the first attempt at this run
	Began   time.Time // when the attempt began, by this machine's clock
	Crashed bool      // the attempt before this one ended without a word: its process may have died of this job

	store  *Store
	folder *jobFolder
	record *record // the claim
	closed atomic.Bool
}

// Renew keeps the lease for another term. job.ErrLeaseLost: a successor has
// claimed the job, its run was ended or it was erased; the work must stop.
func (l *Lease) Renew() error {
	err := l.checkHeld()
	if err == nil {
		err = l.store.touch(l.path(claimFile(l.record.Claim)))
	}
	if err = l.asLeaseLost(err); err != nil {
		return fmt.Errorf("renew the lease of job %s: %w", l.Spec.ID, err)
	}
	return nil
}

// Check says whether the lease stands, without renewing it: job.ErrLeaseLost as of Renew.
func (l *Lease) Check() error {
	if err := l.asLeaseLost(l.checkHeld()); err != nil {
		return fmt.Errorf("check the lease of job %s: %w", l.Spec.ID, err)
	}
	return nil
}

// overtaken is job.ErrLeaseLost where the run has ended, a successor has claimed
// it, or it was given back. A no is never certain; who commits finds out. The folder
// is listed, because NFS clients remember that a name was missing.
func (l *Lease) checkHeld() error {
	if l.closed.Load() {
		return fmt.Errorf("%w: it was given back", job.ErrLeaseLost)
	}
	dir, names, err := l.store.openDir(l.folder.dir.Name())
	if err != nil {
		return err
	}
	_ = dir.Close() // read only
	for _, name := range []string{finalFile(l.Run), claimFile(l.record.Claim + 1)} {
		if slices.Contains(names, name) {
			return fmt.Errorf("%w: there is %s", job.ErrLeaseLost, name)
		}
	}
	if mine := claimFile(l.record.Claim); !slices.Contains(names, mine) { // see removeOldClaims
		return fmt.Errorf("%w: there is no %s", job.ErrLeaseLost, mine)
	}
	return nil
}

// lost says what it means that the job's files are not there: the job is gone,
// or all of the store is away.
func (l *Lease) asLeaseLost(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if why := l.store.whyMissing(l.Spec.ID); errors.Is(why, job.ErrStoreAway) {
		return why
	}
	return fmt.Errorf("%w: the job is gone", job.ErrLeaseLost)
}

func (l *Lease) path(name string) string { return filepath.Join(l.folder.dir.Name(), name) }

// Close ends the use of a lease that is lost, or is to run out by itself. It may
// be called again, and after the other ends of a lease.
func (l *Lease) Close() {
	if !l.closed.Swap(true) {
		l.folder.close()
	}
}

// Blame ends the use of the lease as if the process had died, and of this job: the attempt counts although it was
// shared, and the next Lease has Crashed. It is for a job that keeps a process from going on. Errors are those of
// Release.
func (l *Lease) Blame() error {
	defer l.Close()
	err := l.checkHeld()
	if err == nil {
		err = l.store.setTime(l.path(claimFile(l.record.Claim)), blamed)
	}
	if err = l.asLeaseLost(err); err != nil {
		return fmt.Errorf("blame job %s: %w", l.Spec.ID, err)
	}
	return nil
}

// Release gives the job back unfinished, so that the next claim need not wait
// for the lease to run out. counted says whether the attempt counts towards the
// limit: it does where the picture may be at fault, and does not where the
// worker was told to stop or the store failed. job.ErrLeaseLost: there is
// nothing to give back any more.
func (l *Lease) Release(counted bool) error {
	defer l.Close()
	// A successor's status must not be overwritten with ours.
	err := l.checkHeld()
	if err == nil {
		err = l.release(counted)
	}
	if err = l.asLeaseLost(err); err != nil {
		return fmt.Errorf("release job %s: %w", l.Spec.ID, err)
	}
	return nil
}

func (l *Lease) release(counted bool) error {
	at := releasedCounted
	if !counted {
		at = releasedUncounted
	}
	// The status first: from the release on it is the successor's.
	l.record.giveBack(counted)
	return errors.Join(l.store.writeStatus(l.folder, l.record), l.store.setTime(l.path(claimFile(l.record.Claim)), at))
}

// writeStatus replaces the status with a record that is not an event. It need not be durable: the
// claim's modification time says the same.
func (s *Store) writeStatus(l *jobFolder, r *record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.replaceInFolder(filepath.Join(l.dir.Name(), statusFile), b)
}

// replaceInFolder writes a file, by way of a temporary file in the same folder, so that readers see
// the old content or the new. The name is not synced.
func (s *Store) replaceInFolder(path string, b []byte) error {
	tmp := filepath.Join(filepath.Dir(path), tempPrefix+rand.Text())
	_, err := s.createFile(tmp, b)
	if err == nil {
		err = s.rename(tmp, path)
	}
	if err != nil {
		return errors.Join(err, s.remove(tmp))
	}
	return nil
}

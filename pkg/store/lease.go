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

// A Lease is a worker's right to work on a job, obtained by [Store.Claim] or [Store.ClaimShared].
// It ends with Succeed, Fail, Release, Blame or Close. If Succeed or Fail returns an error other
// than job.ErrLeaseLost, the lease has not ended: the caller must call one of the other three.
// Renew and Check may be called from another goroutine, also during Succeed and Fail, and must have
// returned before Release is called.
type Lease struct {
	Spec    job.Spec
	Run     int
	Attempt int       // the number of this attempt among those of the run that count, from 1
	Began   time.Time // when the attempt began, in UTC by this machine's clock
	Crashed bool      // the attempt before this one ended without an outcome, so the job may have crashed its process

	store  *Store
	folder *jobFolder
	record *record // the claim
	closed atomic.Bool
}

// Renew makes the lease last for its whole length from now on. job.ErrLeaseLost: another worker has
// claimed the job, its run has ended or the job was erased; the work must stop. After any other
// error it is unknown whether the lease was renewed.
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

// Check returns job.ErrLeaseLost as Renew does, without renewing the lease.
func (l *Lease) Check() error {
	if err := l.asLeaseLost(l.checkHeld()); err != nil {
		return fmt.Errorf("check the lease of job %s: %w", l.Spec.ID, err)
	}
	return nil
}

// checkHeld returns job.ErrLeaseLost if the run has ended, another worker has claimed it, or it was
// given back. A nil error does not mean that the lease is still held when it returns; the commit
// detects a loss. The folder is listed, because NFS clients cache that a name is missing.
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

// asLeaseLost converts fs.ErrNotExist: to job.ErrStoreUnavailable if the whole store is not
// available, or else to job.ErrLeaseLost, because the job's files are missing.
func (l *Lease) asLeaseLost(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if why := l.store.whyMissing(l.Spec.ID); errors.Is(why, job.ErrStoreUnavailable) {
		return why
	}
	return fmt.Errorf("%w: the job is gone", job.ErrLeaseLost)
}

func (l *Lease) path(name string) string { return filepath.Join(l.folder.dir.Name(), name) }

// Close ends the use of a lease that is lost, or that is left to expire. It may be called again,
// and after the lease has ended in another way.
func (l *Lease) Close() {
	if !l.closed.Swap(true) {
		l.folder.close()
	}
}

// Blame ends the use of the lease as if this job had crashed the process: the attempt counts
// although it was shared, and the next Lease has Crashed set. It is for a job that blocks its
// process. Its errors are those of Release.
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

// Release gives the job back without an outcome, so that the next claim need not wait until the
// lease expires. counted is whether the attempt counts towards the limit: it should if the picture
// may be the cause, and should not if the worker was stopped or the store or queue failed.
// job.ErrLeaseLost: the lease was lost already.
func (l *Lease) Release(counted bool) error {
	defer l.Close()
	// The status of another worker must not be overwritten.
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
	// The status is written first: after the release another worker may write it.
	l.record.giveBack(counted)
	return errors.Join(l.store.writeStatus(l.folder, l.record), l.store.setTime(l.path(claimFile(l.record.Claim)), at))
}

// writeStatus replaces the status with a record that is not an event. It need not be durable: the
// claim's modification time shows the same.
func (s *Store) writeStatus(f *jobFolder, r *record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return s.replaceInFolder(filepath.Join(f.dir.Name(), statusFile), b)
}

// replaceInFolder writes a temporary file in the folder of path and renames it to path, so readers
// see the old content or the new one, complete. The name is not synced.
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

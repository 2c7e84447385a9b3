package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Lease is a worker's right to run a job, won by [Store.Claim]. It is used by
// one goroutine at a time, except Renew, which may run beside the others.
type Lease struct {
	Spec    job.Spec
	Run     int
	Attempt int       // 1 for the first attempt at this run
	Began   time.Time // when the attempt began, by this machine's clock
	// Crashed: the attempt before this one ended without a word: its process may
	// have died of this job. Attempts that were given back uncounted are looked
	// through, since they are none.
	Crashed bool

	store *Store
	claim int // the N of claim.N
	token string
	job   job.Job // the status as of the claim
}

// claimRecord is the content of claim.N.
type claimRecord struct {
	Run     int       `json:"run"`
	Attempt int       `json:"attempt"`
	Worker  string    `json:"worker"`
	Token   string    `json:"token"`
	At      time.Time `json:"at"`
}

// Claim makes the caller the one worker of a run. The attempt is counted, and
// durably so, before any work starts, so that a picture that kills its worker
// can't do so for ever.
//
// Errors: job.ErrNotFound; job.ErrFinished where the run has ended or is not
// the job's current one; job.ErrBusy while another worker's lease stands.
func (s *Store) Claim(ctx context.Context, id job.ID, run int, worker string) (*Lease, error) {
	l, err := s.claim(ctx, id, run, worker)
	if err != nil {
		return nil, fmt.Errorf("claim job %s: %w", id, err)
	}
	return l, nil
}

func (s *Store) claim(ctx context.Context, id job.ID, run int, worker string) (*Lease, error) {
	j, err := s.Job(id)
	if err != nil {
		return nil, err
	}
	if j.State.Finished() || j.Run != run {
		return nil, fmt.Errorf("%w: it is %s in run %d", job.ErrFinished, j.State, j.Run)
	}
	spec, err := s.Spec(id)
	if err != nil {
		return nil, err
	}
	l := &Lease{Spec: spec, Run: run, store: s, token: rand.Text(), job: j, Began: time.Now().UTC()}

	// The status may lag behind: the claims themselves say how many there were.
	n, prev, err := s.lastClaim(id)
	if err != nil {
		return nil, err
	}
	if n > 0 {
		touched, err := s.touched(id, n)
		if err != nil {
			return nil, err
		}
		expired, err := s.expired(touched)
		if err != nil {
			return nil, err
		}
		if !expired {
			return nil, fmt.Errorf("%w: by %s", job.ErrBusy, prev.Worker)
		}
		if touched.Equal(releasedUncounted) {
			prev.Attempt--
		}
		if l.Crashed, err = s.crashed(id, run, n); err != nil {
			return nil, err
		}
	}
	l.claim, l.Attempt = n+1, 1
	if prev.Run == run {
		l.Attempt = prev.Attempt + 1
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := s.writeClaim(id, l, worker); err != nil {
		return nil, err
	}
	l.job.State, l.job.Attempts, l.job.StartedAt = job.Running, l.Attempt, &l.Began
	if err := l.writeStatus(); err != nil {
		return nil, errors.Join(err, l.Release(false))
	}
	return l, nil
}

// The modification times of claims that were given back: older than any lease,
// and unlike any other.
var (
	releasedCounted   = time.Unix(0, 0)
	releasedUncounted = time.Unix(1, 0)
)

// lastClaim finds the highest claim of a job; 0 where there is none.
func (s *Store) lastClaim(id job.ID) (int, claimRecord, error) {
	var last claimRecord
	for n := 0; ; n++ {
		path, err := s.path(id, claimFile(n+1))
		if err != nil {
			return 0, last, err
		}
		var c claimRecord
		err = readJSON(path, &c)
		if errors.Is(err, fs.ErrNotExist) {
			return n, last, nil
		}
		if err != nil {
			return 0, last, err
		}
		last = c
	}
}

// touched is when claim n was renewed last, by the file server's clock.
func (s *Store) touched(id job.ID, n int) (time.Time, error) {
	path, err := s.path(id, claimFile(n))
	if err != nil {
		return time.Time{}, err
	}
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, err
	}
	return info.ModTime(), nil
}

// expired says whether a claim that was touched then is up for another worker,
// by the file server's clock too.
func (s *Store) expired(touched time.Time) (bool, error) {
	now, err := s.now()
	if err != nil {
		return false, err
	}
	return now.Sub(touched) > s.lease, nil
}

// crashed says whether the last attempt at a run, as of claim n, ended without a
// word.
func (s *Store) crashed(id job.ID, run, n int) (bool, error) {
	for ; n > 0; n-- {
		path, err := s.path(id, claimFile(n))
		if err != nil {
			return false, err
		}
		var c claimRecord
		if err := readJSON(path, &c); err != nil {
			return false, err
		}
		touched, err := s.touched(id, n)
		if err != nil {
			return false, err
		}
		if c.Run != run {
			return false, nil
		}
		if !touched.Equal(releasedUncounted) {
			return !touched.Equal(releasedCounted), nil
		}
	}
	return false, nil
}

// writeClaim competes for the name claim.N. The file is linked into place
// whole, because a crash after a bare O_EXCL create would leave an empty claim.
// link(2) may report EEXIST for its own retransmitted success: the token in the
// file says whose it is.
func (s *Store) writeClaim(id job.ID, l *Lease, worker string) error {
	b, err := json.Marshal(claimRecord{l.Run, l.Attempt, worker, l.token, l.Began})
	if err != nil {
		return err
	}
	path, err := s.path(id, claimFile(l.claim))
	if err != nil {
		return err
	}
	won, err := linkNew(path, b, l.token)
	if err == nil && !won {
		err = fmt.Errorf("%w: another was quicker", job.ErrBusy)
	}
	return err
}

// linkNew makes path with the content b if it does not exist yet, whole and
// durable, and says whether the file there is ours: the JSON in it has our
// token.
func linkNew(path string, b []byte, token string) (bool, error) {
	dir := filepath.Dir(path)
	tmp := filepath.Join(dir, ".tmp-"+token)
	if err := createFile(tmp, b); err != nil {
		_ = os.Remove(tmp)
		return false, err
	}
	err := os.Link(tmp, path)
	if rerr := os.Remove(tmp); err == nil {
		err = rerr
	}
	if errors.Is(err, syscall.EEXIST) {
		var there struct {
			Token string `json:"token"`
		}
		if err := readJSON(path, &there); err != nil {
			return false, err
		}
		if there.Token != token {
			return false, nil
		}
		err = nil
	}
	if err != nil {
		return false, err
	}
	return true, syncDir(dir)
}

// Renew keeps the lease for another term. job.ErrLeaseLost: a successor has
// claimed the job or its run was ended; the work must stop and commit nothing.
func (l *Lease) Renew() error {
	err := l.renew()
	if err != nil {
		return fmt.Errorf("renew the lease of job %s: %w", l.Spec.ID, err)
	}
	return nil
}

func (l *Lease) renew() error {
	if err := l.overtaken(); err != nil {
		return err
	}
	path, err := l.store.path(l.Spec.ID, claimFile(l.claim))
	if err != nil {
		return err
	}
	err = touch(path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: the job is gone", job.ErrLeaseLost)
	}
	return err
}

// overtaken is job.ErrLeaseLost where the run has ended or a successor has
// claimed it.
func (l *Lease) overtaken() error {
	for _, name := range []string{finalFile(l.Run), claimFile(l.claim + 1)} {
		path, err := l.store.path(l.Spec.ID, name)
		if err != nil {
			return err
		}
		if _, err := os.Stat(path); err == nil {
			return fmt.Errorf("%w: there is %s", job.ErrLeaseLost, name)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Release gives the job back unfinished, so that the next claim need not wait
// for the lease to run out. counted says whether the attempt counts towards the
// limit: it does where the picture may be at fault, and does not where the
// worker was told to stop or the store failed. job.ErrLeaseLost: there is
// nothing to give back any more.
func (l *Lease) Release(counted bool) error {
	err := l.release(counted)
	if err != nil {
		return fmt.Errorf("release job %s: %w", l.Spec.ID, err)
	}
	return nil
}

func (l *Lease) release(counted bool) error {
	// A successor's status must not be overwritten with ours.
	if err := l.overtaken(); err != nil {
		return err
	}
	path, err := l.store.path(l.Spec.ID, claimFile(l.claim))
	if err != nil {
		return err
	}
	l.job.State = job.Queued
	at := releasedCounted
	if !counted {
		at = releasedUncounted
		l.job.Attempts--
	}
	// The status first: from the release on it is the successor's.
	return errors.Join(l.writeStatus(), os.Chtimes(path, at, at))
}

func (l *Lease) writeStatus() error {
	path, err := l.store.path(l.Spec.ID, statusFile)
	if err != nil {
		return err
	}
	b, err := json.Marshal(l.job)
	if err != nil {
		return err
	}
	return writeFile(path, b)
}

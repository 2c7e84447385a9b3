package store

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Claim makes the caller the only worker of a run. The attempt is counted durably before any work
// starts, so a picture that kills its workers can do so only a few times: at the limit of attempts
// Claim ends the run as failed. worker is the worker's name for the records; its first 128 bytes
// are kept.
//
// Errors: job.ErrNotFound, also for a run that does not exist yet; job.ErrGone; job.ErrFinished if
// the run has ended or is not the job's current one, with job.ErrGaveUp if this call has ended it;
// job.ErrBusy while another worker's lease is valid; job.ErrDamagedJob; job.ErrStoreUnavailable;
// the cause of ctx if it has ended.
func (s *Store) Claim(ctx context.Context, id job.ID, run int, worker string) (*Lease, error) {
	return s.claimAs(ctx, id, run, worker, false)
}

// ClaimShared is [Store.Claim] for a process that works on several jobs at the same time. If the
// process dies, it is unknown which job was the cause. So the attempt does not count, and the next
// Lease has Crashed set, so that its process can work on this job only, with Claim. If the cause is
// known, the process calls [Lease.Blame].
func (s *Store) ClaimShared(ctx context.Context, id job.ID, run int, worker string) (*Lease, error) {
	return s.claimAs(ctx, id, run, worker, true)
}

func (s *Store) claimAs(ctx context.Context, id job.ID, run int, worker string, shared bool) (*Lease, error) {
	f, err := s.openJobFolder(id)
	if err != nil {
		return nil, fmt.Errorf("claim job %s: %w", id, err)
	}
	lease, err := s.claim(ctx, f, run, worker, shared)
	if err != nil {
		f.close()
		return nil, fmt.Errorf("claim job %s: %w", id, err)
	}
	return lease, nil
}

func (s *Store) claim(ctx context.Context, f *jobFolder, run int, worker string, shared bool) (*Lease, error) {
	switch {
	case run > f.run:
		return nil, fmt.Errorf("%w in run %d: it is in run %d", job.ErrNotFound, run, f.run)
	case run < f.run:
		return nil, fmt.Errorf("%w: it is in run %d", job.ErrFinished, f.run)
	case f.ended:
		_ = s.repairEnded(f) // its process may have died; after an error the sweeper repairs it
		return nil, job.ErrFinished
	}
	spec, err := s.spec(f.id)
	if err != nil {
		return nil, err
	}
	last, err := s.lastClaim(f)
	if err != nil {
		return nil, err
	}
	before := last.attempts()
	if before >= s.maxAttempts {
		return nil, s.giveUp(f, last)
	}
	lease := &Lease{Spec: spec, Run: run, Attempt: before + 1, Began: time.Now().UTC(), store: s, folder: f}
	lease.Crashed = last.crashed()
	r := newRecord(spec.New())
	r.Run, r.State, r.Attempts, r.StartedAt = run, job.Running, lease.Attempt, &lease.Began
	r.Claim, r.Worker, r.Lease, r.Crashed = f.claim+1, clean(worker, maxWord), s.lease.Milliseconds(), lease.Crashed
	r.Shared = shared
	err = s.recordEvent(f.dir, claimFile(r.Claim), r, func(now time.Time) error {
		if err := s.checkLeaseFree(f, last, now); err != nil {
			return err
		}
		return context.Cause(ctx)
	})
	if !eventExists(err) {
		return nil, s.undoClaim(f, r, err)
	}
	lease.record = r
	s.removeOldClaims(f)
	return lease, nil
}

// claimsKept is how many older claims stay in a job's folder beside the new one. A claim that a
// loss of power has left empty is derived from the claim before it (see readClaim), so one of those
// that stay must be readable, or attempts that count would be forgotten. Not all claims can stay,
// because the number of attempts that don't count is not limited.
const claimsKept = 8

// removeOldClaims removes all but the last claims, the oldest first. A worker that still uses one
// detects that it is gone, or that it has a successor. After an error the next claim removes the
// rest.
func (s *Store) removeOldClaims(f *jobFolder) {
	slices.Sort(f.claims)
	for _, n := range f.claims[:max(0, len(f.claims)-claimsKept)] {
		if s.remove(filepath.Join(f.dir.Name(), claimFile(n))) != nil {
			return
		}
	}
}

// lastClaim reads the last claim of the current run; nil if there is none. A claim of an earlier
// run is ignored: its worker may not have noticed yet that the run has ended.
func (s *Store) lastClaim(f *jobFolder) (*record, error) {
	if f.claim == 0 {
		return nil, nil
	}
	r, err := s.readClaim(f)
	switch {
	case err != nil:
		return nil, err
	case r.Run > f.run: // the run was begun and claimed after the listing
		return nil, fmt.Errorf("%w: it is in run %d", job.ErrBusy, r.Run)
	case r.Run < f.run:
		return nil, nil
	}
	return r, nil
}

// readClaim reads the last claim of a job. A loss of power right after a claim can leave its file
// empty. Then the name is enough: an attempt was begun, and its worker is gone. The rest is derived
// from the event before.
func (s *Store) readClaim(f *jobFolder) (*record, error) {
	r, err := s.readRecord(f.id, claimFile(f.claim))
	if !errors.Is(err, errUnreadable) {
		return r, err
	}
	before := *f
	if before.claim--; !slices.Contains(f.claims, before.claim) {
		before.claim = 0 // removed, or there was none
	}
	if r, err = s.latestEvent(&before); err != nil {
		return nil, err
	}
	at, err := s.modTime(filepath.Join(f.dir.Name(), claimFile(f.claim)))
	if err != nil {
		return nil, err
	}
	began := at.UTC()
	if r.Claim >= f.claim { // the latest event is a retry that came after the claim, so the claim is of the run before
		r.Run--
	}
	r.State, r.StartedAt, r.Claim, r.Worker, r.written = job.Running, &began, f.claim, "unknown", at
	r.Attempts++
	r.Lease = s.lease.Milliseconds()
	return r, nil
}

// attempts returns how many attempts at the run count, if r is its last claim; nil is no claim.
func (r *record) attempts() int {
	switch {
	case r == nil:
		return 0
	case r.written.Equal(releasedUncounted), r.Shared && !r.released() && !r.written.Equal(blamed):
		return r.Attempts - 1
	default:
		return r.Attempts
	}
}

// crashed reports whether the last attempt ended without an outcome and was not given back. An
// attempt that was given back uncounted is ignored, and the one before it decides.
func (r *record) crashed() bool {
	switch {
	case r == nil:
		return false
	case r.written.Equal(releasedUncounted):
		return r.Crashed
	default:
		return !r.released()
	}
}

// expired reports whether another worker may claim the job; now is by the file server's clock. The
// length of the lease is the one in the claim, so that a worker with a short lease does not take
// the jobs of one with a long lease.
func (r *record) expired(now time.Time) bool {
	return r == nil || now.Sub(r.written) > r.lease()
}

// checkLeaseFree returns job.ErrBusy if the lease of a run's last claim is valid; now is by the
// file server's clock. The claim was read before the clock, and on NFS a call in between may have
// taken a minute. So a claim that seems to have expired is read again: it may have been renewed or
// given back.
func (s *Store) checkLeaseFree(f *jobFolder, last *record, now time.Time) error {
	busy := !last.expired(now)
	if !busy && last != nil && !last.released() {
		_, written, err := s.readFile(filepath.Join(f.dir.Name(), claimFile(last.Claim)))
		if err != nil {
			return err
		}
		busy = !written.Equal(last.written)
	}
	if busy {
		return fmt.Errorf("%w: by %s", job.ErrBusy, last.Worker)
	}
	return nil
}

func (r *record) lease() time.Duration { return time.Duration(r.Lease) * time.Millisecond }

// giveUp ends a run whose attempts are used up, once the lease of the last one has expired.
func (s *Store) giveUp(f *jobFolder, last *record) error {
	now, err := s.serverNow()
	if err != nil {
		return err
	}
	if err := s.checkLeaseFree(f, last, now); err != nil {
		return err
	}
	_, err = s.endRun(f, false, func(r *record) {
		setFailed(r, job.Failure{Code: job.CodeGaveUp, Message: fmt.Sprintf("given up after %d attempts; a retry may help", s.maxAttempts)})
	})
	if errors.Is(err, errConflict) {
		return job.ErrFinished
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %w (%d)", job.ErrFinished, job.ErrGaveUp, s.maxAttempts)
}

// undoClaim converts an error of [Store.recordEvent] to one of [Store.Claim]. If the claim may
// exist although no work will follow, it is given back.
func (s *Store) undoClaim(f *jobFolder, r *record, err error) error {
	if errors.Is(err, errConflict) {
		return fmt.Errorf("%w: %w", job.ErrBusy, err)
	}
	if !errors.Is(err, job.ErrBusy) && !errors.Is(err, context.Canceled) {
		if there, rerr := s.readRecord(f.id, claimFile(r.Claim)); rerr == nil && there.Token == r.Token {
			return errors.Join(err, s.setTime(filepath.Join(f.dir.Name(), claimFile(r.Claim)), releasedUncounted))
		}
	}
	return err
}

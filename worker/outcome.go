package worker

import (
	"context"
	"errors"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// recordOutcome decides, from the error with which an attempt ended, what becomes of the job: it
// records that in the store and logs it. The error that it returns decides what becomes of the
// message; see [Worker.Handle].
func (a *attempt) recordOutcome(err error) error {
	report, r := &a.report, &a.report.Receipt
	log := a.log.With("attempt", a.lease.Attempt, "took_ms", milliseconds(time.Since(a.lease.Began)), "queue_wait_ms", r.QueueWaitMS,
		"read_ms", milliseconds(report.Read), "decode_ms", r.DecodeMS, "stylize_ms", r.StylizeMS, "encode_ms", r.EncodeMS,
		"write_ms", milliseconds(report.Write), "cold_start", r.ColdStart)
	failure := job.FailureOf(err)
	switch {
	case err == nil: // committed
		report.Outcome = Succeeded
		log.Info("succeeded")
		return nil
	case errors.Is(err, job.ErrLeaseLost): // job and message belong to another worker
		report.Outcome = Lost
		log.Warn("lost the lease: another worker has the job, or its run has ended, so this result is discarded", "error", err)
		return err
	case errors.Is(err, ErrStuck): // the lease expires, as after a crash: the next attempt runs alone
		report.Outcome = Stuck
		log.Error("the worker is stuck: its process ends, and the job is tried again by another", "error", err)
		if errors.As(err, new(ownRunStuck)) {
			err = errors.Join(err, a.lease.Blame())
		}
		return err
	case failure != nil: // permanent: the run ends here
		report.Outcome, report.Code = Failed, failure.Code
		log.Warn("failed", "code", failure.Code, "error", err)
		err := a.w.diagnose(a.lease.Fail(*failure))
		if errors.Is(err, job.ErrLeaseLost) && !errors.Is(err, job.ErrStoreUnavailable) {
			return nil // the run was ended by others
		}
		return err
	default: // transient: give the job back
		report.Outcome = GivenBack
		if rerr := a.lease.Release(countsAsAttempt(err)); rerr != nil {
			return errors.Join(err, rerr) // then the lease expires
		}
		return err
	}
}

// countsAsAttempt reports whether an attempt that ended with err counts. It does if the picture or
// the job's own files may be the cause. It does not if the worker was stopped or the store is
// unavailable, because that is not the job's fault.
func countsAsAttempt(err error) bool {
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded), errors.Is(err, job.ErrStoreUnavailable):
		return false
	default:
		return errors.As(err, new(pictureError)) || isFileError(err)
	}
}

// milliseconds returns d in milliseconds, with microseconds as decimals.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

package store

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// The code of the quotas:
//
//	quota.go            the limits, and what a submission takes of them
//	ownercounts.go      what this process has counted for each owner; the check of a submission
//	owneruse.go         what an owner uses by these counts, and which of them are due again
//	count.go            one count, and when it is made again
//	countjobs.go        counts names in active/ and owners/
//	uploads_pending.go  counts uploads that are pending
//	usage.go            the counts of past hours, stored in usage/ for other processes
//	backlog.go          the limit for all owners together
//	freespace.go        the space that submissions leave free
//
// All owners have the same limits. Limits of an owner's own would begin as fields of a line of the
// key file (api/keyring).

// Quotas limit what each owner has in the directory, through whichever processes, and keep some of
// the file system free. 0 is no limit. They are counted from the files, so nothing has to be given
// back, and what a crash leaves counts until it is swept.
//
// Overshoot: n processes that accept submissions at the same time may exceed a quota by n
// hundredths of it, plus six submissions each, plus what the other processes are accepting at the
// moment.
type Quotas struct {
	Unfinished int // jobs that each owner may have queued or running at a time
	Stored     int // MiB that each owner's jobs and pending uploads may take, estimated at their submission
	Daily      int // jobs that each owner may submit within 24 hours, erased ones too
	Uploads    int // uploads to S3 that each owner may have pending
	Runs       int // runs that a job may have, including its retries
	Backlog    int // jobs of all owners that may be queued or running at a time, as counted by the last sweep
	MinFree    int // MiB, or 5% of the file system where that is less, that submissions leave free
}

// Validate checks the values. Its errors name the flags of the mains.
func (q Quotas) Validate() error {
	if min(q.Unfinished, q.Stored, q.Daily, q.Uploads, q.Runs, q.Backlog, q.MinFree) < 0 {
		return errors.New("--max-unfinished, --max-stored, --max-daily, --max-pending-uploads, --max-runs, --max-backlog and --min-free must be 0 (no limit) or more")
	}
	return nil
}

// A QuotaError names the quota of an owner that is used up. It wraps [job.ErrQuota].
type QuotaError struct {
	Quota string        // unfinished_jobs, stored_bytes, daily_submissions or pending_uploads
	Limit int64         // in jobs, bytes or uploads, depending on Quota
	Used  int64         // in the same unit
	Frees string        // what makes space, as a text for users
	After time.Duration // how long to wait before another try may succeed
}

func (e *QuotaError) Error() string {
	return fmt.Sprintf("%s: %s: %d of %d are used; %s", job.ErrQuota, e.Quota, e.Used, e.Limit, e.Frees)
}

func (e *QuotaError) Unwrap() error { return job.ErrQuota }

// A use is what a submission takes of the quotas, or what an owner uses of them.
type use struct{ unfinished, daily, kib, uploads int64 }

func (u use) plus(v use) use {
	return use{u.unfinished + v.unfinished, u.daily + v.daily, u.kib + v.kib, u.uploads + v.uploads}
}

func (u use) minus(v use) use { return u.plus(use{-v.unfinished, -v.daily, -v.kib, -v.uploads}) }

// limit returns the quotas as a use.
func (q Quotas) limit() use {
	or := func(n int) int64 {
		if n == 0 {
			return unlimited
		}
		return int64(n)
	}
	l := use{or(q.Unfinished), or(q.Daily), or(q.Stored), or(q.Uploads)}
	if q.Stored != 0 {
		l.kib *= 1024 // Stored is in MiB
	}
	return l
}

// on returns the limits on what is needed; the others are unlimited.
func (u use) on(need use) use {
	for _, d := range []struct {
		limit *int64
		need  int64
	}{{&u.unfinished, need.unfinished}, {&u.daily, need.daily}, {&u.kib, need.kib}, {&u.uploads, need.uploads}} {
		if d.need == 0 {
			*d.limit = unlimited
		}
	}
	return u
}

const unlimited = math.MaxInt64 / 2

var noLimit = use{unlimited, unlimited, unlimited, unlimited}

func (u use) within(limit use) bool {
	return u.unfinished <= limit.unfinished && u.daily <= limit.daily && u.kib <= limit.kib && u.uploads <= limit.uploads
}

// useOf returns what a job with a spec takes of its owner's quotas.
func useOf(spec *job.Spec) use { return use{unfinished: 1, daily: 1, kib: spec.StoredKiB} }

// storedKiB returns how many KiB of its owner's quota of stored bytes a job takes: the submitted
// pictures, an allowance for the result that depends on its format and pixels, and one for
// thumbnail, preview and records.
func storedKiB(spec *job.Spec) int64 {
	const besides = 96 << 10
	bytes := spec.Input.Bytes + besides
	if spec.StyleInput != nil {
		bytes += spec.StyleInput.Bytes
	}
	w, h := float64(spec.Input.Width), float64(spec.Input.Height)
	if longest := max(w, h); longest > 0 {
		scale := min(1, float64(spec.Longest())/longest)
		pixels := w * h * scale * scale
		perPixel := 0.5
		if spec.Format == "png" {
			perPixel = 3
		}
		bytes += int64(pixels * perPixel)
	}
	return min((bytes+1023)>>10, maxStoredKiB)
}

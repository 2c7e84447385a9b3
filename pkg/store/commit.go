package store

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Succeed ends the run with a picture, and publishes it. The picture is durable before the outcome.
// thumbnail, a JPEG file, is stored for a public job only; if it is nil, the picture is stored as
// the thumbnail too. Succeed sets the size and hash in res. job.ErrLeaseLost: the run has another
// outcome, or the job is gone, and the picture is discarded. After any other error it is unknown
// whether the run has this outcome, which the next attempt detects. The caller then still has the
// lease, and must release or close it.
func (l *Lease) Succeed(picture, thumbnail []byte, res job.Result, receipt job.Receipt) error {
	sum := sha256.Sum256(picture)
	res.Bytes, res.SHA256 = int64(len(picture)), hex.EncodeToString(sum[:])
	receipt.Worker, receipt.Engine, receipt.Model = clean(receipt.Worker, maxWord), clean(receipt.Engine, maxWord), clean(receipt.Model, maxWord)
	files := map[string][][]byte{l.path(outputFile(l.record.Claim)): {picture}}
	if l.Spec.Public {
		if thumbnail == nil {
			thumbnail = picture
		}
		files[l.path(thumbFile(l.record.Claim))] = [][]byte{thumbnail}
	}
	var failed error
	written := make(chan struct{})
	go func() { failed = l.store.createAll(files); close(written) }()
	err := l.commit(func(r *record) {
		r.State, r.Result, r.Receipt = job.Succeeded, &res, &receipt
		r.FinishedAt = utcNow()
	}, func(time.Time) error { <-written; return failed })
	<-written
	// The files are removed only if it is certain that final.R does not name them. After an error
	// that leaves this unknown, also one of an earlier call, they stay.
	if failed != nil && !errors.Is(failed, fs.ErrExist) || errors.Is(err, job.ErrLeaseLost) {
		for path := range files {
			_ = l.store.remove(path) // otherwise it stays until the job is erased
		}
	}
	return l.closeIfDecided("finish", err)
}

// Fail ends the run without a picture, with a reason that the user is shown. Its errors are those
// of Succeed.
func (l *Lease) Fail(f job.Failure) error {
	return l.closeIfDecided("fail", l.commit(func(r *record) { setFailed(r, f) }, unchecked))
}

func setFailed(r *record, f job.Failure) {
	f.Code, f.Message = cleanCode(f.Code), clean(f.Message, maxText)
	r.State, r.Error, r.FinishedAt = job.Failed, &f, utcNow()
}

func utcNow() *time.Time { t := time.Now().UTC(); return &t }

// commit competes for the outcome of the run, which is the claim's record as changed by change.
func (l *Lease) commit(change func(*record), before func(time.Time) error) error {
	r := *l.record
	r.Token = newRecord(job.Job{}).Token
	change(&r)
	err := l.store.commitOutcome(l.folder, &r, before)
	if errors.Is(err, errConflict) && !errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: the run has ended otherwise", job.ErrLeaseLost)
	}
	return l.asLeaseLost(err)
}

// closeIfDecided closes the lease if the run has ended, and adds the operation to the error.
func (l *Lease) closeIfDecided(doing string, err error) error {
	if err == nil || errors.Is(err, job.ErrLeaseLost) {
		l.Close()
	}
	if err != nil {
		return fmt.Errorf("%s job %s: %w", doing, l.Spec.ID, err)
	}
	return nil
}

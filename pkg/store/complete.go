package store

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Every run ends through the functions in this file, whatever its outcome.
//
// commitOutcome makes the outcome durable as final.R. That name can exist only once for each run,
// so each run has one outcome. Its callers are
//
//   - Lease.Succeed and Lease.Fail, when a worker commits,
//   - Store.giveUp, when a claim finds all attempts used,
//   - Store.Cancel, for the owner,
//   - Store.Fail, for the sweeper, when a run is too old or its message became a dead letter.
//
// completeRun then does what follows from the outcome. commitOutcome calls it, and after a crash or
// an error repairEnded does, whose callers are
//
//   - Store.Checkup, when the sweeper finds the job in active/,
//   - Store.Claim, when the run's message is delivered again,
//   - Store.Reconcile, when it finds files of a worker in an old folder.

// completeRun does what follows from the outcome of a run: it publishes the result, removes what is
// no longer needed, and takes the job out of active/. Before the call, final.R and the files that
// it names must be durable, and status.json must show the outcome. After a success, readers of
// published/ see the result, the job no longer counts towards its owner's quota of unfinished jobs,
// and the sweeper no longer checks the job.
//
// Each step may be repeated, also by several processes at the same time. The entry in active/ is
// removed last, so after an error or a crash the sweeper finds it and calls completeRun again, with
// every sweep until it succeeds. A redelivered message or a reconciliation may repeat it even after
// that. It is skipped for a job that is erased first, or for a failed or canceled run that is
// retried first: there is nothing to publish then, and the next run needs the entry.
//
// A further consequence of an outcome, such as a notification of the owner (a webhook), goes after
// publishing and before deactivate, for example as a name in a folder of its own that the sweeper
// works through, up to a sweep later. It must be repeatable, and quick: the worker's commit and the
// owner's cancellation wait for it. Its error keeps the job in active/. If completeRun is skipped,
// because the job was erased or retried first, there is no notification for that run.
//
// completeRun gets the outcome's record, not the spec. What a consequence needs of the submission
// must be in the record: in what newRecord gets from a spec, for a submission, a claim and a retry,
// and in endRun's record of a damaged job. Otherwise each commit costs one more read, of spec.json.
func (s *Store) completeRun(f *jobFolder, final *record) error {
	if err := errors.Join(s.publish(f, final), s.removeLeftovers(f, final)); err != nil {
		return err
	}
	return s.deactivate(f, final)
}

// commitOutcome makes r the outcome of the current run, and completes the run. The error is
// errConflict if the run has an outcome already; after any other error it is unknown whether r is
// the outcome. If the status could not be replaced, or completing the run failed, there is no
// error, because the run has ended: its entry in active/ is still there, and the sweeper completes
// it.
//
// before is called as in [Store.recordEvent]: its error prevents the outcome.
func (s *Store) commitOutcome(f *jobFolder, r *record, before func(now time.Time) error) error {
	r.Worker, r.Lease, r.Crashed, r.Shared = "", 0, false, false
	err := s.recordEvent(f.dir, finalFile(f.run), r, before)
	if err == nil {
		_ = s.afterCommit(f, r) // see above
	}
	if !eventExists(err) {
		return err
	}
	return nil
}

// afterCommit completes a run for the process that has made its outcome. It lists the folder again,
// because other processes may have left files there while they competed for the outcome.
func (s *Store) afterCommit(f *jobFolder, final *record) error {
	names, err := s.listAgain(f.dir)
	if err != nil {
		return err
	}
	if f.parse(names); f.run != final.Run {
		return nil // it was retried already
	}
	return s.completeRun(f, final)
}

// repairEnded completes a run that has ended, for a process that died before it had done so. The
// status is first made to show the outcome.
func (s *Store) repairEnded(f *jobFolder) error {
	final, err := s.readRecord(f.id, finalFile(f.run))
	if err != nil {
		return err
	}
	status, err := s.readRecord(f.id, statusFile)
	if err != nil && !errors.Is(err, errUnreadable) && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err != nil || status.Token != final.Token {
		if err := s.showOutcome(f); err != nil {
			return err
		}
	}
	return s.completeRun(f, final)
}

// showOutcome replaces the status with the outcome of the current run.
func (s *Store) showOutcome(f *jobFolder) error {
	tmp := filepath.Join(f.dir.Name(), tempPrefix+rand.Text())
	err := s.link(filepath.Join(f.dir.Name(), finalFile(f.run)), tmp)
	if err == nil {
		err = s.rename(tmp, filepath.Join(f.dir.Name(), statusFile))
	}
	// tmp is removed after a success too, because rename(2) does nothing if both names are of the
	// same file.
	if err = errors.Join(err, s.remove(tmp)); err != nil {
		return err
	}
	return s.sync(f.dir)
}

// removeLeftovers removes what is not needed after the end of a run: temporary files, and all
// pictures and thumbnails except those of the result. A process that is about to link one of them
// finds it gone, and reads the folder again.
func (s *Store) removeLeftovers(f *jobFolder, final *record) error {
	var errs []error
	for _, name := range f.temps {
		errs = append(errs, s.remove(filepath.Join(f.dir.Name(), name)))
	}
	for _, name := range f.outputs {
		if final.State != job.Succeeded || name != outputFile(final.Claim) && name != thumbFile(final.Claim) {
			errs = append(errs, s.remove(filepath.Join(f.dir.Name(), name)))
		}
	}
	return errors.Join(errs...)
}

// deactivate removes the entry of a job in active/ after the end of its run.
//
// A retry at the same time needs the entry again. It makes its temporary file in the job's folder
// before the entry, and deactivate lists the folder after the entry is renamed, so one of the two
// sees the other, even if the retrying process dies. If this process dies before it lists the
// folder, the sweeper finds the renamed entry. The folder is opened again for the listing, because
// NFS clients cache that a name is missing.
func (s *Store) deactivate(f *jobFolder, final *record) error {
	entry := f.entry
	if entry == "" {
		entry = s.activePath(final.Owner, f.id)
	}
	if final.State == job.Succeeded { // it can't be retried
		err := s.remove(entry)
		if err == nil {
			s.noteFreed(final.Owner)
		}
		return err
	}
	leaving := entry + leavingSuffix
	if err := s.rename(entry, leaving); err != nil {
		return ignore(err, fs.ErrNotExist) // another process was first
	}
	s.noteFreed(final.Owner)
	names, err := s.list(f.dir.Name())
	if err != nil {
		return errors.Join(err, s.activate(entry))
	}
	var since jobFolder
	if since.parse(names); since.run > f.run || len(since.temps) > 0 {
		err = s.activate(entry)
	}
	if err == nil {
		err = s.remove(leaving)
	}
	return err
}

package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/atelier-go/atelier/pkg/job"
)

// This file contains the repairs of a reconciliation.

// reconcileJob removes what is left over of a job, and makes what is missing. It may be called
// concurrently.
func (r *reconciliation) reconcileJob(id job.ID, t *traces) error {
	var failed failures
	for _, prefix := range t.leftovers {
		failed.add(r.removeLeftoverFolder(prefix, id))
	}
	if r.late {
		for _, path := range t.erased {
			failed.add(r.remove(path))
		}
	}
	if t.there {
		failed.add(r.checkJob(id, t))
		return failed.err
	}
	for _, path := range t.indexed {
		failed.add(r.removeOrphan(id, path))
	}
	if len(t.published) > 0 {
		failed.add(r.unpublishMissing(id, t.published))
	}
	return failed.err
}

// removeLeftoverFolder removes a job's folder that is not in its place, or begins its erasure.
func (r *reconciliation) removeLeftoverFolder(prefix string, id job.ID) error {
	var ended bool
	var err error
	if prefix == erasedPrefix {
		ended, err = r.markAbandonedErasure(id)
	} else {
		ended, err = r.removeStaleLeftover(prefix, id, r.now, r.stale)
	}
	if ended {
		r.repaired.Add(1)
	}
	return err
}

// markAbandonedErasure begins the erasure of a job whose folder was renamed for an erasure, but
// which has no mark in erasing/. If the job is from before the horizon, the retention removes it.
func (r *reconciliation) markAbandonedErasure(id job.ID) (ended bool, err error) {
	at, err := r.modTime(r.erasedDir(id))
	if err != nil || r.now.Sub(at) <= r.stale {
		return false, ignore(err, fs.ErrNotExist)
	}
	if err := r.Unknown(id); !errors.Is(err, job.ErrNotFound) {
		return false, ignore(err, job.ErrGone)
	}
	mark := r.erasureMark(id, Erased)
	begun, err := r.exists(mark)
	if err != nil || begun {
		return false, err
	}
	return true, r.createEmpty(mark) // EndErasures does the rest
}

// removeOrphan removes a name in the owners' index that has no job and no draft. A submission makes
// its draft first, so such a name is not that of a new job.
func (r *reconciliation) removeOrphan(id job.ID, path string) error {
	draft, err := r.exists(r.draftDir(id))
	if err != nil || draft {
		return err
	}
	// A job that is being removed is still in erasing/ or active/.
	if err := r.whyMissingOnDisk(id); !errors.Is(err, job.ErrNotFound) {
		return ignore(err, job.ErrGone)
	}
	removed, err := r.unlink(path)
	if removed {
		r.repaired.Add(1)
	}
	return err
}

// checkJob checks that an unfinished job is in active/, and that an ended run is completed.
func (r *reconciliation) checkJob(id job.ID, t *traces) error {
	f, err := r.openJobFolder(id)
	if err == nil {
		defer f.close()
		err = r.repairJob(f, t)
	}
	return unlessMoved(err)
}

func (r *reconciliation) repairJob(f *jobFolder, t *traces) error {
	if len(t.indexed) == 0 {
		if err := r.addToOwnerIndex(f.id); err != nil {
			return err
		}
	}
	if !f.ended {
		made, err := r.ensureFolderActive(f)
		if made {
			r.repaired.Add(1)
		}
		return err
	}
	// In a younger folder the run may have ended just now. A run without pictures and temporary
	// files was not successful, and nothing is left to do.
	if !r.late || len(f.temps) == 0 && len(f.outputs) == 0 {
		return nil
	}
	final, err := r.readRecord(f.id, finalFile(f.run))
	if err != nil || len(f.temps) == 0 && r.isComplete(f, final, t) {
		return err
	}
	r.repaired.Add(1)
	return r.repairEnded(f)
}

// isComplete reports whether a job has the pictures of its result only, and they are published.
func (r *reconciliation) isComplete(f *jobFolder, final *record, t *traces) bool {
	if final.State != job.Succeeded {
		return false
	}
	names := Published(f.id, final.Format, final.Public) // one for each picture
	for _, name := range names {
		if !slices.Contains(t.published, name) {
			return false
		}
	}
	return len(f.outputs) == len(names)
}

// addToOwnerIndex adds a job to its owner's index.
func (r *reconciliation) addToOwnerIndex(id job.ID) error {
	spec, err := r.spec(id)
	if err != nil {
		return err
	}
	r.repaired.Add(1)
	entry := r.ownerEntry(&spec)
	return r.makeInFolder(entry, func() error { return r.createEmpty(entry) })
}

// unpublishMissing removes what a late worker has published of a job that was gone by then: see
// [Store.removeFilesAndPublished]. The copies are removed afterwards, together. If that fails, or the
// process ends before it, no name shows any more that they exist. The comparison of published folders
// with the bucket removes them: those of an erased job soon, because the folder has changed, those of
// an expired one in the next full comparison.
func (r *reconciliation) unpublishMissing(id job.ID, names []string) error {
	if err := r.whyMissing(id); !errors.Is(err, job.ErrGone) {
		return ignore(err, job.ErrNotFound)
	}
	for _, name := range names {
		if err := r.remove(filepath.Join(r.PublishedDir(), name)); err != nil {
			return err
		}
		r.repaired.Add(1)
		r.mu.Lock()
		r.unpublished = append(r.unpublished, name)
		r.mu.Unlock()
	}
	return nil
}

// ignore returns nil if err is other, as by errors.Is, or else err.
func ignore(err, other error) error {
	if errors.Is(err, other) {
		return nil
	}
	return err
}

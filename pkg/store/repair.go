package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// This file has the repairs of a reconciliation.

// removeLeftoverFolder removes what is left of a job whose folder is not in its place.
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

// markAbandonedErasure begins the erasure of a job in an erased folder that is not marked in
// erasing/. Those from before the horizon are left to the retention.
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

// compareIndex compares the jobs with the names in the owners' index.
func (r *reconciliation) compareIndex(owners []string) {
	var calls []func() error
	for _, owner := range owners {
		calls = append(calls, func() error { return r.compareOwnerFolder(filepath.Join(r.dir, ownersDir, owner, r.folder)) })
	}
	r.failed.add(runAll(calls))
	r.failed.add(runAll(r.repairs))
	calls = nil
	for _, dir := range r.empty {
		calls = append(calls, func() error { return r.removeEmptyUp(dir) })
	}
	r.failed.add(runAll(calls))
}

// compareOwnerFolder reads the names in a folder of an owner's index, and adds the repairs that it
// needs.
func (r *reconciliation) compareOwnerFolder(dir string) error {
	names, err := r.listExisting(dir)
	if err != nil {
		return ignore(err, fs.ErrNotExist) // the owner has no jobs there
	}
	var repairs []func() error
	var ids []job.ID
	stay := 0
	for _, name := range names {
		text, counts, _ := strings.Cut(name, ".")
		id, err := job.ParseID(text)
		switch {
		case err == nil && counts == goneMark && r.late: // it no longer counts as a submission
			repairs = append(repairs, func() error { return r.remove(filepath.Join(dir, name)) })
			continue
		case err == nil && counts == goneMark: // it still counts
		case err == nil:
			ids = append(ids, id)
			if !r.jobs[id] {
				repairs = append(repairs, func() error { return r.removeOrphan(id, filepath.Join(dir, name)) })
			}
		}
		stay++
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		r.indexed[id] = true
	}
	r.repairs = append(r.repairs, repairs...)
	if stay == 0 && r.late {
		r.empty = append(r.empty, dir)
	}
	return nil
}

// removeOrphan removes a name in the owners' index that has no job and no draft. A submission makes
// its draft before the name.
func (r *reconciliation) removeOrphan(id job.ID, path string) error {
	draft, err := r.exists(r.draftDir(id))
	if err != nil || draft {
		return err
	}
	// A job that is being removed is still in erasing/ or active/.
	if err := r.whyMissingOnDisk(id); !errors.Is(err, job.ErrNotFound) {
		return ignore(err, job.ErrGone)
	}
	r.repaired.Add(1)
	return r.remove(path)
}

// checkJob checks that an unfinished job is in active/, and that an ended run is completed.
func (r *reconciliation) checkJob(id job.ID) error {
	f, err := r.openJobFolder(id)
	if err == nil {
		defer f.close()
		err = r.repairJob(f)
	}
	return unlessMoved(err)
}

func (r *reconciliation) repairJob(f *jobFolder) error {
	if !r.indexed[f.id] {
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
	// Before it is late the run may have ended just now. A run without files has failed.
	if !r.late || len(f.temps) == 0 && len(f.outputs) == 0 {
		return nil
	}
	final, err := r.readRecord(f.id, finalFile(f.run))
	if err != nil || len(f.temps) == 0 && r.isComplete(f, final) {
		return err
	}
	r.repaired.Add(1)
	return r.repairEnded(f)
}

// isComplete reports whether a job has the pictures of its result only, and they are published.
func (r *reconciliation) isComplete(f *jobFolder, final *record) bool {
	if final.State != job.Succeeded {
		return false
	}
	names := Published(f.id, final.Format, final.Public) // one for each picture
	for _, name := range names {
		if !r.published[name] {
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

// unpublishMissing removes what a worker has published for a job that was gone by then: see
// [Store.completeErasures].
func (r *reconciliation) unpublishMissing() error {
	var late []string
	for name := range r.published {
		_, id, _, ok := ParsePublished(name)
		if !ok || r.jobs[id] {
			continue
		}
		err := r.whyMissing(id)
		if errors.Is(err, job.ErrGone) {
			late = append(late, name)
			err = r.remove(filepath.Join(r.PublishedDir(), name))
		}
		if err = ignore(err, job.ErrNotFound); err != nil {
			return err
		}
	}
	r.repaired.Add(int64(len(late)))
	return r.removeCopies(late)
}

// ignore returns nil if an error is another one, and else the error.
func ignore(err, other error) error {
	if errors.Is(err, other) {
		return nil
	}
	return err
}

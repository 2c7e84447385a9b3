package store

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// This file has what a reconciliation repairs.

// leftover ends what is left of a job on its way in or out.
func (r *reconciliation) leftover(prefix string, id job.ID) error {
	var ended bool
	var err error
	if prefix == gravePrefix {
		ended, err = r.endGrave(id)
	} else {
		ended, err = r.endLeftover(prefix, id, r.now, r.stale)
	}
	if ended {
		r.repaired.Add(1)
	}
	return err
}

// endGrave has a grave be emptied that nobody empties. One of before the horizon is the retention's.
func (r *reconciliation) endGrave(id job.ID) (ended bool, err error) {
	at, err := r.changed(r.graveDir(id))
	if err != nil || r.now.Sub(at) <= r.stale {
		return false, ignore(err, fs.ErrNotExist)
	}
	if err := r.Unknown(id); !errors.Is(err, job.ErrNotFound) {
		return false, ignore(err, job.ErrGone)
	}
	mark := r.erasing(id, Erased)
	begun, err := r.exists(mark)
	if err != nil || begun {
		return false, err
	}
	return true, r.mark(mark) // EndErasures does the rest
}

// index compares the jobs with the names in the owners' index.
func (r *reconciliation) index(owners []string) {
	var calls []func() error
	for _, owner := range owners {
		calls = append(calls, func() error { return r.indexOf(filepath.Join(r.dir, ownersDir, owner, r.at)) })
	}
	r.failed.add(regardless(calls))
	r.failed.add(regardless(r.repairs))
	calls = nil
	for _, dir := range r.empty {
		calls = append(calls, func() error { return r.removeEmptyUp(dir) })
	}
	r.failed.add(regardless(calls))
}

// indexOf reads the names in an owner's folder, and notes what is to be repaired there.
func (r *reconciliation) indexOf(dir string) error {
	names, err := r.listThere(dir)
	if err != nil {
		return ignore(err, fs.ErrNotExist) // the owner has nothing there
	}
	var repairs []func() error
	var ids []job.ID
	stay := 0
	for _, name := range names {
		text, counts, _ := strings.Cut(name, ".")
		id, err := job.ParseID(text)
		switch {
		case err == nil && counts == goneCharge && r.late: // it counted as a submission for a day
			repairs = append(repairs, func() error { return r.remove(filepath.Join(dir, name)) })
			continue
		case err == nil && counts == goneCharge: // and does
		case err == nil:
			ids = append(ids, id)
			if !r.jobs[id] {
				repairs = append(repairs, func() error { return r.removeStranger(id, filepath.Join(dir, name)) })
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

// removeStranger removes a name in the owners' index that is of no job, nor of one on its way in: a draft is there before the
// name.
func (r *reconciliation) removeStranger(id job.ID, path string) error {
	draft, err := r.exists(r.draftDir(id))
	if err != nil || draft {
		return err
	}
	if err := r.absent(id); !errors.Is(err, job.ErrNotFound) { // that of one on its way out is in erasing/ or active/ yet
		return ignore(err, job.ErrGone)
	}
	r.repaired.Add(1)
	return r.remove(path)
}

// job looks at one job: an unfinished one is in active/, and of a finished one nothing is left to do.
func (r *reconciliation) job(id job.ID) error {
	l, err := r.look(id)
	if err == nil {
		defer l.close()
		err = r.repairJob(l)
	}
	return unlessMoved(err)
}

func (r *reconciliation) repairJob(l *life) error {
	if !r.indexed[l.id] {
		if err := r.enter(l.id); err != nil {
			return err
		}
	}
	if !l.ended {
		made, err := r.ensureActiveBy(l)
		if made {
			r.repaired.Add(1)
		}
		return err
	}
	if !r.late || len(l.temps) == 0 && len(l.made) == 0 { // late, it failed
		return nil
	}
	final, err := r.readRecord(l.id, finalFile(l.run))
	if err != nil || len(l.temps) == 0 && r.isTidy(l, final) {
		return err
	}
	r.repaired.Add(1)
	return r.tidy(l)
}

// isTidy reports whether a job's pictures are those of its result, and published.
func (r *reconciliation) isTidy(l *life, final *record) bool {
	if final.State != job.Succeeded {
		return false
	}
	names := Published(l.id, final.Format, final.Public) // as many as there are pictures
	for _, name := range names {
		if !r.published[name] {
			return false
		}
	}
	return len(l.made) == len(names)
}

// enter puts a job into its owner's index.
func (r *reconciliation) enter(id job.ID) error {
	spec, err := r.spec(id)
	if err != nil {
		return err
	}
	r.repaired.Add(1)
	entry := r.ownerEntry(&spec)
	return r.inFolder(entry, func() error { return r.mark(entry) })
}

// unpublishLate removes what a worker has published of a job that was gone by then: see [Store.fill].
func (r *reconciliation) unpublishLate() error {
	var late []string
	for name := range r.published {
		_, id, _, ok := ParsePublished(name)
		if !ok || r.jobs[id] {
			continue
		}
		err := r.missing(id)
		if errors.Is(err, job.ErrGone) {
			late = append(late, name)
			err = r.remove(filepath.Join(r.PublishedDir(), name))
		}
		if err = ignore(err, job.ErrNotFound); err != nil {
			return err
		}
	}
	r.repaired.Add(int64(len(late)))
	return r.unpublished(late)
}

// ignore is nil for an error that is another one.
func ignore(err, other error) error {
	if errors.Is(err, other) {
		return nil
	}
	return err
}

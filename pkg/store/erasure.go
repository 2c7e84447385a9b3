package store

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An erasure begins by renaming the job's folder. From then on no process reads the job, and a
// worker finds no folder to write into. Then the folder is emptied, by this process or by another
// one that finds the erasure incomplete. The spec is removed last, because it shows what is left to
// do.

// erasedDir is where an erased job's folder is until it is removed.
func (s *Store) erasedDir(id job.ID) string {
	return filepath.Join(s.jobsFolder(id), erasedPrefix+string(id))
}

// moveToErased renames a job's folder for its erasure. moved is false if another process was first,
// or if there is an erased folder already.
func (s *Store) moveToErased(id job.ID) (moved bool, err error) {
	err = s.rename(s.jobDir(id), s.erasedDir(id))
	return err == nil, ignore(ignore(err, fs.ErrNotExist), fs.ErrExist) // ENOTEMPTY is ErrExist
}

// The erasures that are completed together: of one job, or of many jobs of a folder, whose copies
// are removed in one call.
type erasures struct{ jobs []erasure }

type erasure struct {
	id     job.ID
	why    string   // Erased; "" for an expired job, which needs neither a tombstone nor a mark in erasing/
	index  string   // path of its folder in its owner's index; "" if unknown
	active string   // path of its entry in active/; "" if unknown
	copies []string // the names, as of [Published], that it may have in published/ and among the copies
}

func (g *erasures) copies() (names []string) {
	for _, j := range g.jobs {
		names = append(names, j.copies...)
	}
	return names
}

// prepareErasure prepares the erasure of a job whose folder was renamed: it removes everything but
// the folder with the spec, and the copies. Then it adds the job to g.
func (s *Store) prepareErasure(g *erasures, id job.ID, why string) error {
	spec, err := s.readSpec(filepath.Join(s.erasedDir(id), specFile), id)
	if errors.Is(err, fs.ErrNotExist) {
		err = s.whySpecMissing(id)
	}
	j := erasure{id: id, why: why}
	switch {
	case err == nil:
		if err := s.eraseWithSpec(&spec, why); err != nil {
			return err
		}
		j.copies, j.index, j.active = Published(id, spec.Format, spec.Public), filepath.Dir(s.ownerEntry(&spec)), s.activePath(spec.Owner, id)
	case errors.Is(err, errUnreadable):
		if j.copies, err = s.eraseWithoutSpec(id, why); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist): // fs.ErrNotExist: another process is completing it already
		return err
	}
	g.jobs = append(g.jobs, j)
	return nil
}

// whySpecMissing returns why an erased folder has no spec: errUnreadable if the job was damaged,
// and fs.ErrNotExist if the erasure is all but complete, because only then the spec is removed.
func (s *Store) whySpecMissing(id job.ID) error {
	folder, err := s.exists(s.erasedDir(id))
	if err != nil {
		return err
	}
	tombstone, err := s.exists(s.tombstonePath(id))
	if err != nil {
		return err
	}
	if folder && !tombstone {
		return errUnreadable
	}
	return fs.ErrNotExist
}

// eraseWithSpec removes what belongs to a job according to its spec, except copies. The pictures
// are removed before the tombstone is written, so that an erasure frees space on a full disk first.
func (s *Store) eraseWithSpec(spec *job.Spec, why string) error {
	err := s.removeFilesAndPublished(s.erasedDir(spec.ID), spec)
	if err == nil && why != "" {
		err = s.writeTombstone(spec, why)
	}
	if err == nil {
		err = s.removeKeys(spec)
	}
	if err == nil {
		err = s.markErasedInIndex(spec)
		s.noteFreed(spec.Owner)
	}
	return err
}

// eraseWithoutSpec is eraseWithSpec for a job whose spec is unreadable: it removes everything that
// a job with this id can have, and returns the names that its copies can have.
func (s *Store) eraseWithoutSpec(id job.ID, why string) (copies []string, err error) {
	for _, format := range job.OutputFormats {
		for _, public := range []bool{false, true} {
			spec := job.Spec{ID: id, Format: format, Public: public}
			err = errors.Join(err, s.removeFilesAndPublished(s.erasedDir(id), &spec))
			copies = append(copies, Published(id, format, public)...)
		}
	}
	if err == nil && why != "" {
		err = s.writeTombstone(&job.Spec{ID: id}, why)
	}
	owners, lerr := s.list(filepath.Join(s.dir, ownersDir))
	err = errors.Join(err, lerr)
	for _, owner := range owners {
		err = errors.Join(err, s.removeFromOwnerIndex(owner, id))
	}
	return copies, err
}

// removeFromOwnerIndex removes a job from an owner's index, whatever it counts for there.
func (s *Store) removeFromOwnerIndex(folder string, id job.ID) error {
	dir := filepath.Join(s.dir, ownersDir, folder, indexFolder(id))
	names, err := s.list(dir)
	for _, name := range names {
		if strings.HasPrefix(name, string(id)+".") {
			err = errors.Join(err, s.remove(filepath.Join(dir, name)))
		}
	}
	return err
}

// markErasedInIndex records in the owner's index that a job takes no space any more. The job still
// counts as a submission for 24 hours.
func (s *Store) markErasedInIndex(spec *job.Spec) error {
	entry := s.ownerEntry(spec)
	if time.Since(spec.ID.Time()) > day {
		return s.remove(entry)
	}
	err := s.rename(entry, s.ownerEntryAs(spec, goneMark))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it is marked already
	}
	return err
}

// completeErasures completes erasures, at a pace unless p is nil, and returns their number. If a
// program on this machine has a file of a job open, that job is left for later: the file still has
// a name, by which it could be published. If the copies of all jobs can't be removed in one call,
// there is a call for each job, so that one job does not hold up the others.
func (s *Store) completeErasures(ctx context.Context, g *erasures, p *pace) (completed int, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	err = s.removeCopies(g.copies())
	if err != nil && (mustStop(ctx, err) || len(g.jobs) == 1) {
		return 0, err
	}
	removed := err == nil
	var n atomic.Int64
	var calls []func() error
	for _, j := range g.jobs {
		calls = append(calls, func() error {
			err := p.do(ctx, func() error {
				if !removed {
					err := ctx.Err()
					if err == nil {
						err = s.removeCopies(j.copies)
					}
					if err != nil {
						return err
					}
				}
				return s.completeErasure(j)
			})
			if err == nil {
				n.Add(1)
			}
			return ignore(err, errInUse)
		})
	}
	err = runAll(calls)
	return int(n.Load()), err
}

func (s *Store) completeErasure(j erasure) error {
	err := s.removeTree(s.erasedDir(j.id))
	if err == nil {
		err = s.unpublishAgain(j)
	}
	if err != nil || j.why == "" { // if an expired job has an entry in active/, Checkup removes it
		return err
	}
	if j.index != "" && time.Since(j.id.Time()) > day { // a younger job still counts as a submission there
		err = s.removeEmptyUp(j.index)
	}
	if err == nil && j.active != "" {
		err = s.remove(j.active)
	}
	if err == nil {
		err = s.remove(s.erasureMark(j.id, j.why))
	}
	return err
}

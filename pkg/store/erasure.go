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

// A job's grave is its folder under another name: from the rename on nobody reads the job, and a worker that is at it
// finds nothing to write into. Whoever erases a job, or ends what others have begun, empties its grave. The spec goes last:
// by it, whoever goes on knows what is left to do.

// graveDir is where an erased job's folder is until it is removed.
func (s *Store) erasedDir(id job.ID) string {
	return filepath.Join(s.jobsFolder(id), erasedPrefix+string(id))
}

// toGrave takes a job's folder out of sight. !moved: others were quicker, or there is a grave already.
func (s *Store) moveToErased(id job.ID) (moved bool, err error) {
	err = s.rename(s.jobDir(id), s.erasedDir(id))
	return err == nil, ignore(ignore(err, fs.ErrNotExist), fs.ErrExist) // ENOTEMPTY is ErrExist
}

// Graves are erasures that come to their end together: of one job, or of those of
// a folder, which may be many and cost whoever has copies hardly more.
type erasures struct{ jobs []erasure }

type erasure struct {
	id     job.ID
	why    string   // Erased; "" of the retention, which leaves no tombstone and needs no mark in erasing/
	index  string   // its folder in its owner's index; "" where that is not known
	active string   // its entry in active/; likewise
	copies []string // the names that it may have in published/, and copies elsewhere
}

func (g *erasures) copies() (names []string) {
	for _, j := range g.jobs {
		names = append(names, j.copies...)
	}
	return names
}

// bury puts a job whose folder is in its grave among g, with nothing left in there but the spec.
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
	case !errors.Is(err, fs.ErrNotExist): // else its folder was being removed already
		return err
	}
	g.jobs = append(g.jobs, j)
	return nil
}

// specLost says what it means that a grave has no spec: errUnreadable if others have
// removed that, and fs.ErrNotExist if it was removed here, which is only with all the rest.
func (s *Store) whySpecMissing(id job.ID) error {
	folder, err := s.exists(s.erasedDir(id))
	if err != nil {
		return err
	}
	stone, err := s.exists(s.tombstonePath(id))
	if err != nil {
		return err
	}
	if folder && !stone {
		return errUnreadable
	}
	return fs.ErrNotExist
}

// dissolve does all of an erasure that needs the job's spec, but for copies. The
// pictures go before the tombstone comes: a full disk must not keep the retention
// from making room.
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

// dissolveDamaged is dissolve of a job whose spec can't be read, and answers the names
// that copies may have elsewhere: whatever it can have been is removed.
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

// unlist takes a job out of an owner's index, whatever it counts for there.
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

// uncharge notes in its owner's index that a job takes no room any more. For a day it
// counts as a submission all the same.
func (s *Store) markErasedInIndex(spec *job.Spec) error {
	entry := s.ownerEntry(spec)
	if time.Since(spec.ID.Time()) > day {
		return s.remove(entry)
	}
	err := s.rename(entry, s.ownerEntryAs(spec, goneCharge))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it was so already
	}
	return err
}

// fill ends erasures, some at a time, and returns how many it has ended. One of a job of which a program on this machine
// has a file open is left for later: it has a name yet, by which it could be published.
func (s *Store) completeErasures(ctx context.Context, g *erasures) (filled int, err error) {
	if ctx.Err() != nil {
		return 0, ctx.Err()
	}
	if err := s.removeCopies(g.copies()); err != nil {
		return 0, err
	}
	var n atomic.Int64
	var calls []func() error
	for _, j := range g.jobs {
		calls = append(calls, func() error {
			err := s.completeErasure(j)
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
	if err != nil || j.why == "" { // its entry in active/, if there is one, is the sweeper's
		return err
	}
	if j.index != "" && time.Since(j.id.Time()) > day { // else it counts there as a submission
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

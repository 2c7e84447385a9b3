package store

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A Tombstone is what is left of a job for a while, so that its address answers
// that it is gone rather than that it never was.
type Tombstone struct {
	Owner string    `json:"owner,omitempty"`
	Why   string    `json:"why"` // Erased or Expired
	At    time.Time `json:"at"`
}

// Why a job is gone.
const (
	Erased  = "erased"  // on request
	Expired = "expired" // its retention was over
)

// Erase removes everything of a job, in whatever state. From the moment its folder
// is renamed nobody reads it, and a worker that is at it finds nothing to write
// into and throws its work away. What a crash leaves, [Store.EndErasures] removes.
// Erasing what is gone is no error.
//
// job.ErrNotFound, job.ErrStoreAway.
func (s *Store) Erase(id job.ID, why string) error {
	err := check(id)
	if err == nil {
		err = s.erase(id, why)
	}
	if err != nil {
		return fmt.Errorf("erase job %s: %w", id, err)
	}
	return nil
}

func (s *Store) erase(id job.ID, why string) error {
	var g graves
	err := s.dig(&g, id, why)
	if err == nil {
		err = s.fill(context.Background(), &g)
	}
	return err
}

// Graves are erasures that come to their end together: of one job, or of those of
// an hour, which may be many and cost whoever has copies hardly more.
type graves struct{ jobs []grave }

type grave struct {
	id     job.ID
	why    string
	active string   // its entry in active/; "" where that is not known
	copies []string // the names that it may have in published/, and copies elsewhere
}

func (g *graves) copies() (names []string) {
	for _, j := range g.jobs {
		names = append(names, j.copies...)
	}
	return names
}

// dig begins an erasure, or goes on with one that has begun: whatever there is of
// the job goes, but for its folder with its spec, by which the rest is known.
func (s *Store) dig(g *graves, id job.ID, why string) error {
	there, err := s.exists(s.jobDir(id))
	if err == nil && !there {
		if err = s.missing(id); errors.Is(err, job.ErrGone) {
			return s.bury(g, id, why)
		}
	}
	if err != nil {
		return err
	}
	if err := s.moveToGrave(id, why); err != nil {
		return err
	}
	return s.bury(g, id, why)
}

// moveToGrave begins an erasure.
func (s *Store) moveToGrave(id job.ID, why string) error {
	// The entry is not that in active/, which a worker takes out when it is done.
	if err := s.markFrugally(s.erasing(id, why)); err != nil {
		return err
	}
	if err := s.rename(s.jobDir(id), s.graveDir(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s *Store) erasing(id job.ID, why string) string {
	return filepath.Join(s.dir, erasingDir, string(id)+"."+why)
}

// graveDir is where an erased job's folder is until it is removed.
func (s *Store) graveDir(id job.ID) string { return filepath.Join(s.shard(id), gravePrefix+string(id)) }

// bury puts a job whose folder is in its grave among g.
func (s *Store) bury(g *graves, id job.ID, why string) error {
	spec, err := s.readSpec(filepath.Join(s.graveDir(id), specFile), id)
	if errors.Is(err, fs.ErrNotExist) {
		err = s.specLost(id)
	}
	j := grave{id: id, why: why}
	switch {
	case err == nil:
		if err := s.dissolve(&spec, why); err != nil {
			return err
		}
		j.copies, j.active = Published(id, spec.Format, spec.Public), s.activeAt(spec.Owner, id)
	case errors.Is(err, errUnreadable):
		if j.copies, err = s.dissolveDamaged(id, why); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist): // else its folder was being removed already
		return err
	}
	g.jobs = append(g.jobs, j)
	return nil
}

// specLost says what it means that a grave has no spec: errUnreadable if others have
// removed that, and fs.ErrNotExist if it was removed here, which is only after there
// is a tombstone.
func (s *Store) specLost(id job.ID) error {
	folder, err := s.exists(s.graveDir(id))
	if err != nil {
		return err
	}
	stone, err := s.exists(s.gone(id))
	if err != nil {
		return err
	}
	if folder && !stone {
		return errUnreadable
	}
	return fs.ErrNotExist
}

// dissolveDamaged is dissolve of a job whose spec can't be read, and answers the names
// that copies may have elsewhere: whatever it can have been is removed.
func (s *Store) dissolveDamaged(id job.ID, why string) (copies []string, err error) {
	for _, format := range job.OutputFormats {
		for _, public := range []bool{false, true} {
			spec := job.Spec{ID: id, Format: format, Public: public}
			err = errors.Join(err, s.strip(s.graveDir(id), &spec))
			copies = append(copies, Published(id, format, public)...)
		}
	}
	if err == nil {
		err = s.entomb(&job.Spec{ID: id}, why)
	}
	owners, lerr := s.list(filepath.Join(s.dir, ownersDir))
	err = errors.Join(err, lerr)
	for _, owner := range owners {
		err = errors.Join(err, s.unlist(owner, id))
	}
	return copies, err
}

// unlist takes a job out of an owner's index, whatever it counts for there.
func (s *Store) unlist(folder string, id job.ID) error {
	dir := filepath.Join(s.dir, ownersDir, folder, indexFolder(id))
	names, err := s.list(dir)
	for _, name := range names {
		if strings.HasPrefix(name, string(id)+".") {
			err = errors.Join(err, s.remove(filepath.Join(dir, name)))
		}
	}
	return err
}

// fill ends the erasures. One of a job of which a program on this machine has a file
// open is left for EndErasures: it has a name yet, by which it could be published.
func (s *Store) fill(ctx context.Context, g *graves) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := s.unpublished(g.copies()); err != nil {
		return err
	}
	errs := make([]error, len(g.jobs))
	slots := make(chan struct{}, expiring)
	var all sync.WaitGroup
	for i, j := range g.jobs {
		slots <- struct{}{}
		all.Go(func() {
			defer func() { <-slots }()
			if errs[i] = ctx.Err(); errs[i] == nil { // else the rest is left for EndErasures
				errs[i] = s.fillOne(j)
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

func (s *Store) fillOne(j grave) error {
	err := s.removeTree(s.graveDir(j.id))
	if errors.Is(err, errInUse) {
		return nil
	}
	if err == nil {
		err = s.unpublishLate(j)
	}
	if err == nil && j.active != "" { // else the sweeper removes it
		err = s.remove(j.active)
	}
	if err == nil {
		err = s.remove(s.erasing(j.id, j.why))
	}
	return err
}

// unpublishLate removes what was published of a job while its folder was being removed: an
// NFS client writes into a folder that was moved, until it notices. After the removal
// there is nothing any more that it could publish.
func (s *Store) unpublishLate(j grave) error {
	var late []string
	var errs []error
	for _, name := range j.copies {
		there, err := s.unlink(filepath.Join(s.PublishedDir(), name))
		if errs = append(errs, err); there {
			late = append(late, name)
		}
	}
	return errors.Join(append(errs, s.unpublished(late))...)
}

// unpublished has copies removed elsewhere.
func (s *Store) unpublished(names []string) error {
	if s.unpublish == nil || len(names) == 0 {
		return nil
	}
	return s.unpublish(names)
}

// dissolve does all of an erasure that needs the job's spec, but for copies. The
// pictures go before the tombstone comes: a full disk must not keep the retention
// from making room.
func (s *Store) dissolve(spec *job.Spec, why string) error {
	err := s.strip(s.graveDir(spec.ID), spec)
	if err == nil {
		err = s.entomb(spec, why)
	}
	if err == nil {
		err = s.removeKeys(spec)
	}
	if err == nil {
		err = s.uncharge(spec)
		s.freed(spec.Owner)
	}
	return err
}

// uncharge notes in its owner's index that a job takes no room any more. For a day it
// counts as a submission all the same.
func (s *Store) uncharge(spec *job.Spec) error {
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

func (s *Store) entomb(spec *job.Spec, why string) error {
	b, err := json.Marshal(Tombstone{Owner: spec.Owner, Why: why, At: *now()})
	if err != nil {
		return err
	}
	stone := s.gone(spec.ID)
	if err := s.mkdirsFrugally(filepath.Dir(stone)); err != nil {
		return err
	}
	return s.replaceFile(stone, b)
}

// empty removes all of a job's folder but its spec. The input goes first: where that is, all is.
func (s *Store) empty(dir string) error {
	names, err := s.list(dir)
	if err == nil && slices.Contains(names, inputFile) {
		err = s.remove(filepath.Join(dir, inputFile))
	}
	if err != nil {
		return err
	}
	for _, name := range names {
		if name != specFile && name != inputFile {
			err = errors.Join(err, s.remove(filepath.Join(dir, name)))
		}
	}
	return err
}

// EndErasures brings erasures to their end that were begun by processes that died,
// or whose copies could not be removed. It stops between two jobs when ctx ends.
func (s *Store) EndErasures(ctx context.Context) error {
	names, err := s.list(filepath.Join(s.dir, erasingDir))
	slices.Sort(names) // by their time
	var now time.Time
	if err == nil && len(names) > 0 {
		now, err = s.now()
	}
	if err != nil {
		return fmt.Errorf("end erasures: %w", err)
	}
	var g graves
	for _, name := range names {
		text, why, _ := strings.Cut(name, ".")
		id, perr := job.ParseID(text)
		if perr != nil {
			continue
		}
		if ctx.Err() != nil {
			err = errors.Join(err, ctx.Err())
			break
		}
		if len(g.jobs) > 0 && g.jobs[0].id.Folder() != id.Folder() {
			err = errors.Join(err, s.fill(ctx, &g))
			g = graves{}
		}
		eerr := s.resume(&g, id, why, now)
		if errors.Is(eerr, job.ErrNotFound) { // discarded meanwhile
			eerr = s.remove(s.erasing(id, why))
		}
		if err = errors.Join(err, eerr); errors.Is(err, job.ErrStoreAway) {
			break
		}
	}
	if !errors.Is(err, job.ErrStoreAway) {
		err = errors.Join(err, s.fill(ctx, &g))
	}
	if err != nil {
		return fmt.Errorf("end erasures: %w", err)
	}
	return nil
}

// expiryTime is how long the retention may take at most from a job's mark in erasing/ to the first file that it removes.
// After that whoever began is dead, or its grave decides alike: see resume.
const expiryTime = 5 * time.Minute

// resume goes on with an erasure. One by the retention ends as its beginner would have ended it, who may be stalled: a job
// that was retried before it was moved gets its place back, and only a whole one can.
func (s *Store) resume(g *graves, id job.ID, why string, now time.Time) error {
	if why != Expired {
		return s.dig(g, id, why)
	}
	begun, err := s.changed(s.erasing(id, why))
	if err != nil {
		return ignore(err, fs.ErrNotExist) // it is over
	}
	recent := now.Sub(begun) < expiryTime
	names, err := s.listThere(s.graveDir(id))
	if errors.Is(err, fs.ErrNotExist) {
		there, err := s.exists(s.jobDir(id))
		switch {
		case err != nil:
			return err
		case there && recent:
			return nil // somebody is about to move it
		case there:
			return s.remove(s.erasing(id, why)) // it was not moved, or put back
		}
		return s.bury(g, id, why)
	}
	if err != nil {
		return err
	}
	var l life
	l.read(names)
	switch {
	case !slices.Contains(names, inputFile):
		return s.bury(g, id, why)
	case recent:
		return nil // somebody is looking at it
	case !l.ended:
		return s.restore(id)
	}
	return s.bury(g, id, why)
}

// removeKeys removes the records of a job's idempotency key and of its uploads. An
// upload's own is gone before, so that no job is made of it again.
func (s *Store) removeKeys(spec *job.Spec) (err error) {
	if spec.Key != "" {
		err = s.removeKey(spec, spec.Key)
	}
	for _, u := range UploadsOf(spec) {
		if err == nil {
			err = s.remove(s.uploadAt(spec.Owner, u.ID, u.Bytes))
		}
		if err == nil {
			err = s.removeKey(spec, uploadKey(spec.Owner, u.ID))
		}
	}
	return err
}

// removeKey removes a record in keys/, if it is this job's. It is moved away before: whoever was stalled since it has
// looked may find another job's there, since a key is over after a day, and puts that back.
func (s *Store) removeKey(spec *job.Spec, key string) error {
	at := s.keyAt(key)
	first, err := s.specIn(at)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errUnreadable) {
		return nil // what is damaged goes with its time
	}
	if err != nil || first.ID != spec.ID {
		return err
	}
	away := s.temp(rand.Text())
	if err := s.rename(at, away); err != nil {
		return ignore(err, fs.ErrNotExist)
	}
	if first, err = s.specIn(away); err != nil || first.ID != spec.ID {
		err = errors.Join(err, ignore(s.link(away, at), fs.ErrExist))
	}
	return errors.Join(err, s.remove(away))
}

// Tombstone reads what is left of a job that is gone; job.ErrNotFound where it
// is not.
func (s *Store) Tombstone(id job.ID) (t Tombstone, err error) {
	if err := check(id); err != nil {
		return t, fmt.Errorf("read tombstone: %w", err)
	}
	b, _, err := s.readFile(s.gone(id))
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = job.ErrNotFound
	}
	if err != nil {
		return t, fmt.Errorf("read tombstone of job %s: %w", id, err)
	}
	return t, nil
}

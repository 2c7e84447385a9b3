package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Reconcile compares the folders of jobs that were made before a time with what the indexes have of them, from
// the folder behind after on, and repairs what processes have left that died: drafts, graves, files and pictures of workers that
// came too late, jobs that are in no index, and index entries without a job. It costs a few calls a folder and two a
// job. Count is of what was repaired.
func (s *Store) Reconcile(ctx context.Context, after string, before, now time.Time, stale time.Duration) (p Progress, err error) {
	p.After = after
	all, err := s.list(filepath.Join(s.dir, ownersDir))
	if err == nil {
		index := ownersIndex{Store: s, all: all}
		err = s.folders(ctx, jobsDir, span{after, before}, func(folder string) error {
			owners, err := index.owners(folder)
			if err != nil {
				return err
			}
			r := reconciliation{Store: s, folder: folder, owners: owners, now: now, stale: stale}
			err = r.run(ctx)
			if p.Count += int(r.repaired.Load()); err == nil {
				p.After = folder
			}
			return err
		})
	}
	if err != nil {
		return p, fmt.Errorf("reconcile: %w", err)
	}
	p.Done = true // the next begins behind it
	return p, nil
}

// An ownersIndex finds the owners who may have jobs in a folder, by the folders that each has in the owners' index: else
// each would be asked for each second.
type ownersIndex struct {
	*Store
	all   []string
	hour  string
	finer map[string][]string // of the hour: owners by folder
}

func (x *ownersIndex) owners(folder string) ([]string, error) {
	folder = folder[:min(len(folder), len(minuteForm))] // see indexFolder
	if depthOf(folder) <= hourDepth {
		return x.all, nil
	}
	if hour := folder[:len(hourForm)]; x.hour != hour {
		x.hour, x.finer = hour, map[string][]string{}
	}
	above := filepath.Dir(folder)
	if _, listed := x.finer[above+"/"]; !listed {
		x.finer[above+"/"] = nil
		owners, err := x.owners(above)
		if err != nil {
			return nil, err
		}
		found := make([][]string, len(owners))
		var calls []func() error
		for i, owner := range owners {
			calls = append(calls, func() (err error) {
				found[i], err = x.Store.finer(filepath.Join(x.dir, ownersDir, owner), above, time.Now())
				return err
			})
		}
		if err := inTurns(calls); err != nil {
			return nil, err
		}
		for i, owner := range owners {
			for _, sub := range found[i] {
				x.finer[sub] = append(x.finer[sub], owner)
			}
		}
	}
	return x.finer[folder], nil
}

// A reconciliation is that of a folder.
type reconciliation struct {
	*Store
	folder   string
	owners   []string // who may have jobs in it
	now      time.Time
	stale    time.Duration
	repaired atomic.Int64

	jobs      map[job.ID]bool
	indexed   map[job.ID]bool // in the owners' index
	published map[string]bool // names in published/
}

func (r *reconciliation) run(ctx context.Context) error {
	names, err := r.list(filepath.Join(r.dir, jobsDir, r.folder))
	if err != nil {
		return err
	}
	if err := r.leftovers(names); err != nil {
		return err
	}
	r.jobs, r.indexed = map[job.ID]bool{}, map[job.ID]bool{}
	for _, name := range names {
		if id, ok := jobIn(r.folder, name); ok && name == string(id) {
			r.jobs[id] = true
		}
	}
	if err := errors.Join(r.index(), r.listPublished()); err != nil {
		return err
	}
	var calls []func() error
	for id := range r.jobs {
		calls = append(calls, func() error { return errors.Join(ctx.Err(), r.job(id)) })
	}
	return errors.Join(inTurns(calls), r.publishedLate(), ctx.Err())
}

// publishedLate removes what a worker has published of a job that was erased by then: see unpublishLate.
func (r *reconciliation) publishedLate() error {
	var late []string
	for name := range r.published {
		_, id, _, ok := ParsePublished(name)
		if !ok || r.jobs[id] {
			continue
		}
		gone, err := r.exists(r.gone(id))
		if err == nil && gone {
			late = append(late, name)
			err = r.remove(filepath.Join(r.PublishedDir(), name))
		}
		if err != nil {
			return err
		}
	}
	r.repaired.Add(int64(len(late)))
	return r.unpublished(late)
}

// leftovers removes drafts and what is left of erased jobs.
func (r *reconciliation) leftovers(names []string) error {
	var calls []func() error
	for _, name := range names {
		for _, prefix := range []string{draftPrefix, awayPrefix, gravePrefix} {
			text, is := strings.CutPrefix(name, prefix)
			if id, err := job.ParseID(text); is && err == nil && id.Folder() == r.folder {
				calls = append(calls, func() error { return r.leftover(prefix, id) })
			}
		}
	}
	return inTurns(calls)
}

func (r *reconciliation) leftover(prefix string, id job.ID) error {
	at, err := r.changed(filepath.Join(r.dir, jobsDir, r.folder, prefix+string(id)))
	if errors.Is(err, fs.ErrNotExist) || err == nil && r.now.Sub(at) <= r.stale {
		return nil
	}
	if err == nil {
		r.repaired.Add(1)
		err = r.endLeftover(prefix, id)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, errInUse) { // others are at it; then later
		return nil
	}
	return err
}

func (r *reconciliation) endLeftover(prefix string, id job.ID) error {
	if prefix == gravePrefix {
		for _, why := range []string{Erased, Expired} {
			if begun, err := r.exists(r.erasing(id, why)); err != nil || begun {
				return err
			}
		}
		return r.mark(r.erasing(id, Erased)) // EndErasures does the rest
	}
	there, err := r.exists(r.jobDir(id))
	if err != nil {
		return err
	}
	if there {
		return r.removeTree(filepath.Join(r.dir, jobsDir, r.folder, prefix+string(id)))
	}
	return r.forget(Entry{ID: id})
}

// index compares the folder with those of the owners' index.
func (r *reconciliation) index() error {
	for _, owner := range r.owners {
		dir := filepath.Join(r.dir, ownersDir, owner, r.folder[:min(len(r.folder), len(minuteForm))]) // see indexFolder
		names, err := r.list(dir)
		if err != nil {
			return err
		}
		var calls []func() error
		for _, name := range names {
			text, counts, _ := strings.Cut(name, ".")
			id, err := job.ParseID(text)
			if err != nil || id.Folder() != r.folder {
				continue
			}
			r.indexed[id] = true
			if counts == goneCharge || r.jobs[id] {
				continue
			}
			calls = append(calls, func() error {
				// What is on its way in or out has another name in the folder, or is in active/.
				if err := r.missing(id); !errors.Is(err, job.ErrNotFound) {
					return ignore(err, job.ErrGone)
				}
				r.repaired.Add(1)
				return r.remove(filepath.Join(dir, name))
			})
		}
		if err := inTurns(calls); err != nil {
			return err
		}
	}
	return nil
}

// ignore is nil for an error that is another one.
func ignore(err, other error) error {
	if errors.Is(err, other) {
		return nil
	}
	return err
}

// job looks at one job: an unfinished one is in active/, and of a finished one nothing is left to do.
func (r *reconciliation) job(id job.ID) error {
	l, err := r.look(id)
	if errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	defer l.close()
	if !r.indexed[id] {
		if err := r.enter(id); err != nil {
			return err
		}
	}
	if !l.ended {
		return r.activateUnfinished(l)
	}
	if len(l.temps) == 0 && len(l.made) == 0 { // it failed
		return nil
	}
	final, err := r.readRecord(id, finalFile(l.run))
	if err != nil {
		return ignore(ignore(err, errUnreadable), fs.ErrNotExist)
	}
	if len(l.temps) == 0 && r.isTidy(l, final) {
		return nil
	}
	r.repaired.Add(1)
	return ignore(r.tidy(l), fs.ErrNotExist)
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

// listPublished lists the folder's pictures.
func (r *reconciliation) listPublished() error {
	r.published = map[string]bool{}
	for _, kind := range []string{publicDir, thumbsDir, privateDir} {
		names, err := r.PublishedIn(path.Join(kind, filepath.ToSlash(r.folder)))
		if err != nil {
			return err
		}
		for _, name := range names {
			r.published[name] = true
		}
	}
	return nil
}

// enter puts a job into its owner's index.
func (r *reconciliation) enter(id job.ID) error {
	spec, err := r.spec(id)
	if errors.Is(err, errUnreadable) || errors.Is(err, job.ErrGone) || errors.Is(err, job.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	r.repaired.Add(1)
	entry := r.ownerEntry(&spec)
	return r.inFolder(entry, func() error { return r.mark(entry) })
}

// activateUnfinished puts an unfinished job into active/ if it is not there.
func (r *reconciliation) activateUnfinished(l *life) error {
	last, err := r.truth(l)
	if err != nil {
		return ignore(err, errUnreadable)
	}
	entry := r.activeAt(last.Owner, l.id)
	there, err := r.exists(entry)
	if err != nil || there {
		return err
	}
	r.repaired.Add(1)
	return r.activate(entry)
}

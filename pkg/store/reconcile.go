package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// Reconcile compares the folders of jobs that were made before a time with what the indexes have of them, from
// the folder behind after on, and repairs what processes have left that died: drafts, graves, files and pictures of workers
// that came too late, jobs that are in no index, and index entries without a job. Entries of erased jobs that count as
// submissions no more go too. It costs some ten calls a folder and up to five a job. Count is of what was repaired. What can't be
// read or repaired does not stop it: of such errors it returns one.
func (s *Store) Reconcile(ctx context.Context, after string, before, now time.Time, stale time.Duration) (p Progress, err error) {
	p.After = after
	var damaged error
	owners, err := s.list(filepath.Join(s.dir, ownersDir))
	if err == nil {
		index := ownersIndex{Store: s, all: owners}
		err = s.folders(ctx, jobsDir, span{after, before}, func(folder string) error {
			r := reconciliation{Store: s, folder: folder, now: now, stale: stale}
			err := r.run(ctx, &index)
			if p.Count += int(r.repaired.Load()); stops(ctx, err) {
				return errors.Join(err, ctx.Err())
			}
			if err != nil {
				damaged = err
			}
			p.After = folder
			return nil
		})
	}
	p.Done = err == nil // the next begins behind it
	if err = errors.Join(err, damaged); err != nil {
		return p, fmt.Errorf("reconcile: %w", err)
	}
	return p, nil
}

// An ownersIndex finds what the owners' index has of the jobs in a folder. It lists the hour of each owner once, and each
// minute of those who have that: of hours that are over no more come.
type ownersIndex struct {
	*Store
	all     []string            // owners
	hour    string              // that was listed last
	inHour  []indexEntry        // in its folder
	minutes map[string][]string // owners by minute of it
	minute  string              // that was listed last
	inEach  map[string][]indexEntry
}

// An indexEntry is a name in the owners' index.
type indexEntry struct {
	id    job.ID
	path  string
	count string // what it counts for: see past.go
}

// in returns what the index has of a folder of jobs.
func (x *ownersIndex) in(folder string) ([]indexEntry, error) {
	if hour := folder[:len(hourForm)]; x.hour != hour {
		entries, minutes, err := x.listEach(x.all, hour)
		if err != nil {
			return nil, err
		}
		x.hour, x.inHour, x.minutes, x.minute = hour, entries, minutes, ""
	}
	if depthOf(folder) == hourDepth {
		return x.inHour, nil
	}
	if minute := folder[:len("2006/01/02/15/04")]; x.minute != minute {
		entries, _, err := x.listEach(x.minutes[minute], minute)
		if err != nil {
			return nil, err
		}
		x.minute, x.inEach = minute, map[string][]indexEntry{}
		for _, e := range entries {
			f := e.id.Folder()
			x.inEach[f] = append(x.inEach[f], e)
		}
	}
	return x.inEach[folder], nil
}

// listEach lists a folder of the index, of each of some owners: the jobs in it, and the owners by the folders in it.
func (x *ownersIndex) listEach(owners []string, folder string) (entries []indexEntry, finer map[string][]string, err error) {
	found := make([][]string, len(owners))
	var calls []func() error
	for i, owner := range owners {
		calls = append(calls, func() (err error) {
			found[i], err = x.list(filepath.Join(x.dir, ownersDir, owner, folder))
			return err
		})
	}
	finer = map[string][]string{}
	err = inTurns(calls)
	now := time.Now()
	for i, owner := range owners {
		for _, name := range found[i] {
			text, count, _ := strings.Cut(name, ".")
			if id, perr := job.ParseID(text); perr == nil && indexFolder(id) == folder {
				entries = append(entries, indexEntry{id, filepath.Join(x.dir, ownersDir, owner, folder, name), count})
			} else if sub := filepath.Join(folder, name); isTime(sub, now) {
				finer[sub] = append(finer[sub], owner)
			}
		}
	}
	return entries, finer, err
}

// A reconciliation is that of a folder.
type reconciliation struct {
	*Store
	folder   string
	now      time.Time
	stale    time.Duration
	repaired atomic.Int64

	jobs      map[job.ID]bool
	indexed   map[job.ID]bool // in the owners' index
	published map[string]bool // names in published/
}

func (r *reconciliation) run(ctx context.Context, index *ownersIndex) error {
	names, err := r.list(filepath.Join(r.dir, jobsDir, r.folder))
	if err != nil {
		return err
	}
	damaged := r.leftovers(names)
	r.jobs, r.indexed = map[job.ID]bool{}, map[job.ID]bool{}
	for _, name := range names {
		if id, ok := jobIn(r.folder, name, job.ID.Folder); ok && name == string(id) {
			r.jobs[id] = true
		}
	}
	entries, err := index.in(r.folder)
	if err != nil {
		return errors.Join(err, damaged)
	}
	damaged = errors.Join(damaged, r.index(entries))
	if err := r.listPublished(); err != nil {
		return errors.Join(err, damaged)
	}
	var mu sync.Mutex
	var calls []func() error
	for id := range r.jobs {
		calls = append(calls, func() error {
			err := ctx.Err()
			if err == nil {
				err = r.job(id)
			}
			if stops(ctx, err) {
				return err
			}
			if err != nil { // no reason to leave out the others
				mu.Lock()
				damaged = err
				mu.Unlock()
			}
			return nil
		})
	}
	err = inTurns(calls)
	late := r.publishedLate()
	return errors.Join(err, late, damaged)
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
		// One that was moved without a mark, as whoever is stalled between the two may do, is the retention's: EndErasures
		// does the rest.
		return r.markFrugally(r.erasing(id, Expired))
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

// index compares the folder with the owners' index.
func (r *reconciliation) index(entries []indexEntry) error {
	var calls []func() error
	for _, e := range entries {
		switch {
		case e.count == goneCharge:
			if r.now.Sub(e.id.Time()) > day+time.Hour { // it is no submission of the last day
				calls = append(calls, func() error { return r.remove(e.path) })
			}
		case r.jobs[e.id]:
			r.indexed[e.id] = true
		default:
			calls = append(calls, func() error { return r.entryWithoutJob(e) })
		}
	}
	return inTurns(calls)
}

func (r *reconciliation) entryWithoutJob(e indexEntry) error {
	// What is on its way in or out has another name in the folder.
	if err := r.missing(e.id); !errors.Is(err, job.ErrNotFound) {
		return ignore(err, job.ErrGone)
	}
	if draft, err := r.exists(r.draftDir(e.id)); err != nil || draft {
		return err
	}
	r.repaired.Add(1)
	return r.remove(e.path)
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
		missing, err := r.activateIfMissing(l)
		if missing {
			r.repaired.Add(1)
		}
		return err
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

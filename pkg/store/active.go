package store

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An Entry is a job's name in active/, by which the sweeper finds it: active/<owner>/<id>, or
// active/<owner>/<minute>/<id> if the id's [job.Grain] is finer than the hour. All owners together
// have some 500 ids an hour with the hour's grain, so with few jobs one listing for each owner is
// enough.
type Entry struct {
	ID    job.ID
	owner string // the owner's folder
}

// EntryOf returns the entry of a job, whether it exists or not. It depends on the job's ID and
// Owner only.
func EntryOf(j job.Job) Entry { return Entry{j.ID, ownerFolder(j.Owner)} }

// entryPath returns the path of an entry.
func (s *Store) entryPath(e Entry) string {
	return filepath.Join(s.dir, activeDir, e.owner, activeFolder(e.ID), string(e.ID))
}

// activeFolder returns the folder of a job's entry within its owner's folder; "" if the entry is in
// the owner's folder itself. The minutes are side by side, so that a retry of an old job makes one
// folder, and one listing finds all of them.
func activeFolder(id job.ID) string {
	if folder := indexFolder(id); len(folder) == len(minuteForm) {
		return strings.ReplaceAll(folder, "/", "-")
	}
	return ""
}

// isMinute reports whether a name in an owner's folder of active/ is that of a minute.
func isMinute(name string) bool {
	const form = "2006-01-02-15-04"
	_, err := time.Parse(form, name)
	return err == nil && len(name) == len(form)
}

func (s *Store) activePath(owner string, id job.ID) string {
	return s.entryPath(Entry{id, ownerFolder(owner)})
}

// An ActiveFolder is a folder of active/.
type ActiveFolder struct {
	owner  string
	minute string // "" is the owner's folder itself
}

// Position returns a text that sorts folders in the order of [Store.ActiveFolders].
func (f ActiveFolder) Position() string { return f.minute + "/" + f.owner } // "/" sorts before all digits

// ActiveFolders returns the folders of jobs that are unfinished or not yet completed: first the
// owners' own folders, then those of minutes, oldest first. If the folders of some owners can't be
// listed, it returns those of the others, and one of the errors. If ctx ends, it returns none.
// There are hardly more folders than unfinished jobs, which [Quotas].Backlog bounds: a million
// folders take some 100 MB.
func (s *Store) ActiveFolders(ctx context.Context) ([]ActiveFolder, error) {
	owners, err := s.list(filepath.Join(s.dir, activeDir))
	if err != nil {
		return nil, fmt.Errorf("list active jobs: %w", err)
	}
	found := make([][]string, len(owners))
	unlisted := make([]error, len(owners))
	var calls []func() error
	for i, owner := range owners {
		calls = append(calls, func() error {
			if ctx.Err() == nil {
				found[i], unlisted[i] = s.list(filepath.Join(s.dir, activeDir, owner))
			}
			return ctx.Err()
		})
	}
	if err := concurrentlyLimited(calls); err != nil {
		return nil, fmt.Errorf("list active jobs: %w", err)
	}
	var all []ActiveFolder
	for i, owner := range owners {
		if unlisted[i] != nil {
			continue
		}
		minutes := slices.DeleteFunc(slices.Clone(found[i]), func(name string) bool { return !isMinute(name) })
		if len(minutes) == 0 || len(minutes) < len(found[i]) { // it is empty, or has entries
			all = append(all, ActiveFolder{owner, ""})
		}
		for _, minute := range minutes {
			all = append(all, ActiveFolder{owner, minute})
		}
	}
	slices.SortFunc(all, func(a, b ActiveFolder) int {
		return cmp.Or(cmp.Compare(a.minute, b.minute), cmp.Compare(a.owner, b.owner))
	})
	if err := cmp.Or(unlisted...); err != nil {
		return all, fmt.Errorf("list active jobs: %w", err)
	}
	return all, nil
}

// ActiveIn lists the entries in a folder, oldest first. If the folder is empty, it removes it; the
// next entry makes it again.
func (s *Store) ActiveIn(f ActiveFolder) (entries []Entry, err error) {
	path := filepath.Join(s.dir, activeDir, f.owner, f.minute)
	names, err := s.list(path)
	if err == nil && len(names) == 0 {
		err = s.removeEmpty(path)
	}
	if err != nil {
		return nil, fmt.Errorf("list active jobs: %w", err)
	}
	for _, name := range names {
		text, _, _ := strings.Cut(name, ".") // see leavingSuffix
		if id, err := job.ParseID(text); err == nil && activeFolder(id) == f.minute {
			entries = append(entries, Entry{id, f.owner})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return slices.Compact(entries), nil
}

// leavingSuffix is added to the name of an entry while it is removed after the end of a run,
// because the job may have been retried since: see deactivate.
const leavingSuffix = ".leaving"

// Activate adds an unfinished job to active/, where the sweeper finds it. It is no error if it is
// there already.
func (s *Store) Activate(e Entry) error { return s.activate(s.entryPath(e)) }

// activate makes a job's entry in active/.
func (s *Store) activate(entry string) error {
	return s.makeInFolder(entry, func() error { return s.createEmpty(entry) })
}

// Active lists all entries, oldest first. It is for directories with few jobs.
func (s *Store) Active() (all []Entry, err error) {
	folders, err := s.ActiveFolders(context.Background())
	for _, f := range folders {
		if err != nil {
			break
		}
		var some []Entry
		some, err = s.ActiveIn(f)
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return all, err
}

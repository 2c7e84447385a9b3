package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/atelier-go/atelier/pkg/job"
)

// An Entry is a job's place among those that the sweeper looks after: active/<owner>/<id>, and where there are many
// jobs, with ids of a finer [job.Grain], active/<owner>/<minute of the job>/<id>. Those of an hour's folder, some
// 500 an hour of all owners, need no folder here, so that the unfinished jobs of an owner who has few are one listing.
type Entry struct {
	ID    job.ID
	owner string // the owner's folder
}

// EntryOf is the entry of a job, whether it is there or not.
func EntryOf(j job.Job) Entry { return Entry{j.ID, ownerFolder(j.Owner)} }

// at is an entry's path.
func (s *Store) at(e Entry) string {
	return filepath.Join(s.dir, activeDir, e.owner, activeFolder(e.ID), string(e.ID))
}

// activeFolder is the folder of a job's entry in that of its owner.
func activeFolder(id job.ID) string {
	if f := indexFolder(id); depthOf(f) > hourDepth {
		return f
	}
	return ""
}

func (s *Store) activeAt(owner string, id job.ID) string {
	return s.at(Entry{id, ownerFolder(owner)})
}

// An ActiveFolder is a folder of active/.
type ActiveFolder struct {
	owner, path string
}

// Position is where a folder is in the order of [Store.ActiveFolders].
func (f ActiveFolder) Position() string {
	if f.path == "" {
		return "0" + f.owner // before all times
	}
	return order(f.path) + f.owner
}

// ActiveFolders are the folders of jobs that are not finished, or not yet tidied up, oldest first. With an error
// they are those that could be found.
func (s *Store) ActiveFolders(ctx context.Context) ([]ActiveFolder, error) {
	owners, err := s.list(filepath.Join(s.dir, activeDir))
	if err != nil {
		return nil, fmt.Errorf("list active jobs: %w", err)
	}
	var mu sync.Mutex
	var all []ActiveFolder
	var failed error
	var calls []func() error
	for _, owner := range owners {
		calls = append(calls, func() error {
			add := func(path string) error {
				mu.Lock()
				defer mu.Unlock()
				all = append(all, ActiveFolder{owner, path})
				return nil
			}
			err := errors.Join(add(""), s.folders(ctx, filepath.Join(activeDir, owner), span{}, add))
			if err != nil {
				mu.Lock()
				failed = err
				mu.Unlock()
			}
			return ctx.Err()
		})
	}
	err = inTurns(calls)
	slices.SortFunc(all, func(a, b ActiveFolder) int { return cmp.Compare(a.Position(), b.Position()) })
	if err = cmp.Or(failed, err); err != nil {
		return all, fmt.Errorf("list active jobs: %w", err)
	}
	return all, nil
}

// ActiveIn lists the entries of one of those folders, oldest first. An empty one is removed: who needs it makes it again.
func (s *Store) ActiveIn(f ActiveFolder) (entries []Entry, err error) {
	path := filepath.Join(s.dir, activeDir, f.owner, f.path)
	names, err := s.list(path)
	if err == nil && len(names) == 0 {
		err = s.removeEmpty(path)
	}
	if err != nil {
		return nil, fmt.Errorf("list active jobs: %w", err)
	}
	for _, name := range names {
		text, _, _ := strings.Cut(name, ".") // see leavingSuffix
		if id, err := job.ParseID(text); err == nil && activeFolder(id) == f.path {
			entries = append(entries, Entry{id, f.owner})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return cmp.Compare(a.ID, b.ID) })
	return slices.Compact(entries), nil
}

// leavingSuffix is at the end of an entry whose job was finished and may have been retried since: see
// deactivate.
const leavingSuffix = ".leaving"

// Activate puts an unfinished job among those that the sweeper looks after, where
// it is not.
func (s *Store) Activate(e Entry) error { return s.activate(s.at(e)) }

// activate makes a job's entry in active/.
func (s *Store) activate(entry string) error {
	return s.inFolder(entry, func() error { return s.mark(entry) })
}

// Announced notes that an active job was sent to the queue just now.
func (s *Store) Announced(e Entry) error {
	err := s.touch(s.at(e))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // it has finished meanwhile
	}
	return err
}

// inTurns makes calls that don't need each other, some at a time.
func inTurns(calls []func() error) error {
	for some := range slices.Chunk(calls, inParallel) {
		if err := together(some...); err != nil {
			return err
		}
	}
	return nil
}

// Active lists all entries, oldest first. It is for directories of few jobs.
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

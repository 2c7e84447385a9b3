package datasync

import (
	"context"
	"path"
	"slices"
)

// A Change says what an execution may have changed in the bucket.
type Change struct {
	All bool `json:"all,omitempty"` // any picture may have changed
	// Folders are otherwise the folders of the pictures, as [store.Store.ChangedFolders] returns
	// them, with minutes in place of seconds.
	Folders []string `json:"folders,omitempty"`
}

// maxFolders is the number of folders that are recorded: a note has at most 64 KiB, and a folder
// takes some 30 bytes.
const maxFolders = 500

// foldersOf returns the folders of names, with minutes in place of seconds. many is true if there
// are too many to be recorded.
func foldersOf(names []string) (folders []string, many bool) {
	for _, name := range names {
		folders = append(folders, minuteOf(path.Dir(name)))
	}
	slices.Sort(folders)
	folders = slices.Compact(folders)
	if len(folders) > maxFolders {
		return nil, true
	}
	return folders, false
}

// change returns what the recorded execution may have changed.
func (s *state) change() Change {
	if s.Manifest != "" && !s.ManyFolders && !s.completesFull(s.Next) {
		return Change{Folders: s.Folders}
	}
	return Change{All: true} // started by another process, with very many folders, or the end of a full comparison
}

// A pendingUpdate is a change for which Update has not succeeded yet.
type pendingUpdate struct {
	Execution string `json:"execution,omitempty"` // the last execution that made the change; "" if there is none
	Change
}

// add adds the change of another execution.
func (u *pendingUpdate) add(execution string, c Change) {
	all := append(slices.Clone(u.Folders), c.Folders...)
	slices.Sort(all)
	all = slices.Compact(all)
	u.Execution = execution
	if u.All = u.All || c.All || len(all) > maxFolders; u.All {
		all = nil
	}
	u.Folders = all
}

// retryUpdate repeats an update that failed in an earlier step.
func (c *Copier) retryUpdate(ctx context.Context, s *state) error {
	if s.updateErr != nil || s.Pending.Execution == "" {
		return s.updateErr
	}
	if err := c.Update(ctx, s.Pending.Change); err != nil {
		return err
	}
	s.Pending = pendingUpdate{}
	return c.save(s)
}

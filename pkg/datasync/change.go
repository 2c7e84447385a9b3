package datasync

import (
	"context"
	"path"
	"slices"
	"strings"
)

// A Change is what an execution may have changed in the bucket.
type Change struct {
	All bool `json:"all,omitempty"` // anything
	// Folders are those of the pictures otherwise, as of [store.Store.PublishedSince], but for those of seconds: of
	// these it has the minutes.
	Folders []string `json:"folders,omitempty"`
}

// mostFolders is how many folders are noted: a note has 64 KiB at most, and a folder some 30 bytes.
const mostFolders = 500

// foldersOf are the folders of names, and of those of seconds the minutes. many: there are too many to be noted.
func foldersOf(names []string) (folders []string, many bool) {
	for _, name := range names {
		kind, of, _ := strings.Cut(path.Dir(name), "/")
		folders = append(folders, path.Join(kind, of[:min(len(of), len("2006/01/02/15/04"))]))
	}
	slices.Sort(folders)
	folders = slices.Compact(folders)
	if len(folders) > mostFolders {
		return nil, true
	}
	return folders, false
}

// change is what the noted execution may have changed.
func (s *state) change() Change {
	if s.Ours && !s.Whole && !s.Many {
		return Change{Folders: s.Folders}
	}
	return Change{All: true} // by somebody else, or by all, or in very many folders
}

// An unshown change is one that no update has shown yet.
type unshown struct {
	Execution string `json:"execution,omitempty"` // the last of those that made it; "" if there is none
	Change
}

// add adds another change.
func (u *unshown) add(execution string, c Change) {
	all := append(slices.Clone(u.Folders), c.Folders...)
	slices.Sort(all)
	all = slices.Compact(all)
	u.Execution = execution
	if u.All = u.All || c.All || len(all) > mostFolders; u.All {
		all = nil
	}
	u.Folders = all
}

// showAgain has an update show what one has failed to before.
func (c *Copier) showAgain(ctx context.Context, s *state) error {
	if s.notShown != nil || s.Unshown.Execution == "" {
		return s.notShown
	}
	if err := c.Update(ctx, s.Unshown.Change); err != nil {
		return err
	}
	s.Unshown = unshown{}
	return c.save(s)
}

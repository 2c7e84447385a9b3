package store

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// jobs/, and trees with the same layout, have folders of hours, and in hours with many jobs also of
// minutes and seconds: YYYY/MM/DD/HH[/MM[/SS]]. The folders of hours and minutes have both jobs and
// finer folders in them.
const (
	hourDepth   = 4
	secondDepth = 6
)

// The form of the names of the finest folders, and of minutes' folders.
const (
	timeForm   = "2006/01/02/15/04/05"
	minuteForm = "2006/01/02/15/04"
)

// isTime reports whether a path is that of a folder in such a tree, from a year's to a second's,
// for a time that may have jobs by now. It allows a day for clocks that differ.
func isTime(path string, now time.Time) bool {
	if len(path) < len("2006") || len(path) > len(timeForm) || len(path)%len("/01") != 1 {
		return false
	}
	if path > now.Add(day).UTC().Format(timeForm)[:len(path)] {
		return false
	}
	_, err := time.Parse(timeForm[:len(path)], path)
	return err == nil
}

// depthOf returns the number of parts of a path.
func depthOf(path string) int {
	if path == "" {
		return 0
	}
	return strings.Count(path, "/") + 1
}

// indexFolder returns the folder of a job in the trees of its owner, in owners/ and active/. These
// end at minutes: whether a job's own folder is that of a second depends on the jobs of all owners,
// so with seconds an owner with one job a second would have as many folders as jobs.
func indexFolder(id job.ID) string {
	f := id.Folder()
	return f[:min(len(f), len(minuteForm))]
}

// jobIn returns the job that a name in a folder of such a tree stands for; place returns the folder
// of a job there. ok is false for other names, for the names of erased jobs, and for a job that
// belongs into another folder.
func jobIn(folder, name string, place func(job.ID) string) (id job.ID, ok bool) {
	text, counts, _ := strings.Cut(name, ".") // see usage.go
	id, err := job.ParseID(text)
	return id, err == nil && counts != goneMark && place(id) == folder
}

// A walk visits the jobs in a tree, newest first.
type walk struct {
	*Store
	root   string
	place  func(job.ID) string // returns the folder of a job in the tree
	before job.ID              // only older jobs; "" is all
	visit  func(job.ID) error
	// lists is how many folders it lists at most; 0 is no limit. At the limit it ends with
	// errEnough, and all jobs from the time of the folder reached on were visited.
	lists   int
	listed  int
	reached string
}

func (w *walk) run() error { return w.walkFolder("", nil) }

// walkFolder visits the jobs of a folder, together with given jobs of its time from coarser
// folders, newest first.
func (w *walk) walkFolder(path string, given []job.ID) error {
	if w.listed++; w.lists > 0 && w.listed > w.lists {
		return errEnough
	}
	before, visit := w.before, w.visit
	names, err := w.list(filepath.Join(w.root, path))
	if err != nil {
		return err
	}
	ids, finer := given, []string(nil)
	for _, name := range names {
		if id, ok := jobIn(path, name, w.place); ok {
			if before == "" || id < before {
				ids = append(ids, id)
			}
		} else if sub := filepath.Join(path, name); len(sub) <= len(timeForm) && isTime(sub, time.Now()) && mayHaveOlder(sub, before) {
			finer = append(finer, sub)
		}
	}
	if len(ids) > len(given) {
		slices.Sort(ids)
		slices.Reverse(ids)
	}
	slices.Sort(finer)
	for _, sub := range slices.Backward(finer) {
		younger := 0
		for younger < len(ids) && timeOf(ids[younger])[:len(sub)] > sub {
			younger++
		}
		inside := younger
		for inside < len(ids) && timeOf(ids[inside])[:len(sub)] == sub {
			inside++
		}
		if err := visitAll(ids[:younger], visit); err != nil {
			return err
		}
		// The capacity ends there too, because walkFolder appends to the slice.
		if err := w.walkFolder(sub, ids[younger:inside:inside]); err != nil {
			return err
		}
		w.reached = sub
		ids = ids[inside:]
	}
	return visitAll(ids, visit)
}

func visitAll(ids []job.ID, visit func(job.ID) error) error {
	for _, id := range ids {
		if err := visit(id); err != nil {
			return err
		}
	}
	return nil
}

// timeOf returns the finest folder of a job's time, whether the job is in it or not.
func timeOf(id job.ID) string { return job.Second.Folder(id.Time()) }

// mayHaveOlder reports whether a folder may have jobs that are older than a given one.
func mayHaveOlder(folder string, before job.ID) bool {
	return before == "" || folder <= timeOf(before)[:len(folder)]
}

// A span limits the folders that visitFolders visits.
type span struct {
	after  string    // only folders that are visited after this one; "" is all
	before time.Time // only folders of hours that were over then; the zero time is all
}

// visitFolders calls visit for the folders of hours, minutes and seconds in a tree with the layout
// of jobs/, until visit returns an error or ctx ends. A folder comes after the finer ones in it,
// and otherwise the oldest come first. path is relative to the tree. It also removes the folders of
// days, months and years that are empty and whose time is over.
func (s *Store) visitFolders(ctx context.Context, tree string, in span, visit func(path string) error) error {
	last := "~" // sorts after all folders
	if !in.before.IsZero() {
		last = hourOf(in.before)
	}
	return s.visitFoldersBelow(ctx, tree, "", last, in.after, visit)
}

// sortKey returns a text that sorts folders in the order in which they are visited.
func sortKey(path string) string { return path + "~" } // sorts after digits and "/"

func (s *Store) visitFoldersBelow(ctx context.Context, tree, path, last, after string, visit func(path string) error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if after != "" && sortKey(path) <= sortKey(after) {
		return nil
	}
	deeper := false
	if depthOf(path) < secondDepth {
		names, err := s.list(filepath.Join(s.dir, tree, path))
		if err != nil && depthOf(path) < hourDepth { // of an hour or minute visit returns the error, and the other folders are visited
			return err
		}
		slices.Sort(names)
		for _, name := range names {
			sub := filepath.Join(path, name)
			if len(sub) > len(timeForm) || !isTime(sub, time.Now()) {
				continue // not a name of the store
			}
			if sub[:min(len(sub), len(last))] > last[:min(len(sub), len(last))] || depthOf(sub) >= hourDepth && strings.HasPrefix(sub, last) {
				return nil // the hour of span.before may not be over
			}
			deeper = true
			if err := s.visitFoldersBelow(ctx, tree, sub, last, after, visit); err != nil {
				return err
			}
		}
	}
	if depthOf(path) >= hourDepth {
		return visit(path)
	}
	if path == "" || strings.HasPrefix(last, path) || deeper && last == "~" {
		return nil // its time is not over: a job may be about to be moved into it
	}
	_ = s.removeEmpty(filepath.Join(s.dir, tree, path)) // a folder that stays does no harm
	return nil
}

// hoursIn lists the hours that have a folder in a tree with the layout of jobs/, in any order,
// without those before from; "" is all. There are 24 for each day of the retention.
func (s *Store) hoursIn(tree, from string, now time.Time) ([]string, error) {
	folders := []string{""}
	for range hourDepth {
		found := make([][]string, len(folders))
		var calls []func() error
		for i, above := range folders {
			calls = append(calls, func() (err error) { found[i], err = s.timeFolders(tree, above, now); return err })
		}
		if err := concurrentlyLimited(calls); err != nil {
			return nil, err
		}
		folders = slices.DeleteFunc(slices.Concat(found...), func(sub string) bool { return sub < from[:min(len(sub), len(from))] })
	}
	return folders, nil
}

// timeFolders lists the finer folders in a folder of such a tree, as paths in the tree.
func (s *Store) timeFolders(tree, path string, now time.Time) (subs []string, err error) {
	names, err := s.list(filepath.Join(tree, path))
	for _, name := range names {
		if sub := filepath.Join(path, name); isTime(sub, now) {
			subs = append(subs, sub)
		}
	}
	return subs, err
}

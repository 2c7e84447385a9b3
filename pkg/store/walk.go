package store

import (
	"context"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// The folders of jobs/, and of trees with the same layout, are of hours, and of minutes and seconds that had
// many jobs: YYYY/MM/DD/HH[/MM[/SS]]. Those of hours and minutes have both names of jobs and finer folders.
const (
	hourDepth   = 4
	secondDepth = 6
)

// timeForm is how the finest folders are named, and minuteForm those of minutes.
const (
	timeForm   = "2006/01/02/15/04/05"
	minuteForm = "2006/01/02/15/04"
)

// isTime reports whether a path is that of a folder of such a tree, or of one above, and one that may have
// names by now: machines' clocks differ.
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

// depthOf is how many folders deep a path is.
func depthOf(path string) int {
	if path == "" {
		return 0
	}
	return strings.Count(path, "/") + 1
}

// indexFolder is the folder of a job in the trees of its owner, in owners/ and active/. They end at minutes: whether a
// job's own folder is that of a second depends on all owners' jobs, and one with a job a second would have as
// many folders as jobs.
func indexFolder(id job.ID) string {
	f := id.Folder()
	return f[:min(len(f), len(minuteForm))]
}

// jobIn is the job that a name in a folder of such a tree is of. !ok: of none, or it is not in its place.
func jobIn(folder, name string, place func(job.ID) string) (id job.ID, ok bool) {
	text, counts, _ := strings.Cut(name, ".") // see past.go
	id, err := job.ParseID(text)
	return id, err == nil && counts != goneCharge && place(id) == folder
}

// A walk goes through the jobs in a tree, newest first.
type walk struct {
	*Store
	root   string
	place  func(job.ID) string // the folder of a job
	before job.ID              // only older ones; "" is all
	visit  func(job.ID) error
	// lists is how many folders it lists at most, each counted when it is not the first; 0 is no limit. Beyond that
	// it ends with errEnough, and reached is the time from which on all were visited.
	lists   int
	listed  int
	reached string
}

func (w *walk) run() error { return w.walkFolder("", nil) }

// below is a walk of a folder and of given jobs of its time, newest first, that are in coarser folders.
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
		} else if sub := filepath.Join(path, name); len(sub) <= len(timeForm) && isTime(sub, time.Now()) && notYounger(sub, before) {
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
		// Their capacity too ends there: below appends to them.
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

// timeOf is the finest folder of a job's time, whichever it is in.
func timeOf(id job.ID) string { return job.Second.Folder(id.Time()) }

// notYounger reports whether a folder may have jobs before a given one.
func notYounger(folder string, before job.ID) bool {
	return before == "" || folder <= timeOf(before)[:len(folder)]
}

// A span is a part of a tree of times.
type span struct {
	after  string    // only folders that are visited after this one; "" is all
	before time.Time // only those of hours that were over then; the zero time is all
}

// folders visits the folders that may have names of jobs in a tree with the layout of jobs/, finer ones before
// the coarser that they are in and otherwise the oldest first, until ctx ends. path is relative to the tree.
func (s *Store) visitFolders(ctx context.Context, tree string, in span, visit func(path string) error) error {
	last := "~" // beyond all
	if !in.before.IsZero() {
		last = hourOf(in.before)
	}
	return s.visitFoldersBelow(ctx, tree, "", last, in.after, visit)
}

// order is by what folders are compared, so that they come in the order in which they are visited.
func sortKey(path string) string { return path + "~" } // beyond digits and "/"

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
		if err != nil && depthOf(path) < hourDepth { // else who visits it meets the error, and the others are visited
			return err
		}
		slices.Sort(names)
		for _, name := range names {
			sub := filepath.Join(path, name)
			if len(sub) > len(timeForm) || !isTime(sub, time.Now()) {
				continue // not ours
			}
			if sub[:min(len(sub), len(last))] > last[:min(len(sub), len(last))] || depthOf(sub) >= hourDepth && strings.HasPrefix(sub, last) {
				return nil // the hour of before may not be over
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
		return nil // not over: the first job of its time may be about to move in
	}
	_ = s.removeEmpty(filepath.Join(s.dir, tree, path)) // one that stays holds up nothing
	return nil
}

// hoursIn lists the hours from one on, "" being the first, that have a folder in a tree
// with the layout of jobs/.
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

// finer lists the folders of times in a folder of such a tree.
func (s *Store) timeFolders(tree, path string, now time.Time) (subs []string, err error) {
	names, err := s.list(filepath.Join(tree, path))
	for _, name := range names {
		if sub := filepath.Join(path, name); isTime(sub, now) {
			subs = append(subs, sub)
		}
	}
	return subs, err
}

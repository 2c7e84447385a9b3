package datasync

import (
	"context"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/atelier-go/atelier/pkg/store"
)

// An aside is a picture that an execution did not copy although it copied others. It is put aside,
// so that it does not hold up others, and tried again in executions of its own.
type aside struct {
	Name  string    `json:"name"`
	Tries int       `json:"tries"`
	Again time.Time `json:"again"`
}

const (
	// maxAside is the number of pictures that are put aside at most. More of them have a common
	// cause, and are found again by the scans.
	maxAside = 100
	// triesTogether is the number of executions that may copy nothing before their few pictures
	// are put aside: until then the cause may be temporary.
	triesTogether = 3
	// The first try of a picture that is put aside is after firstAside, then at intervals that
	// double up to lastAside.
	firstAside, lastAside = 10 * time.Minute, 24 * time.Hour
)

// checkFailed checks what an execution that failed has copied: DataSync ends with an error if one
// picture was erased meanwhile, and copies the others. It reports whether the scans may go on. If
// few pictures were not copied, it puts them aside.
func (c *Copier) checkFailed(ctx context.Context, s *state, now time.Time, e executionState) (goOn bool, err error) {
	names, err := c.getManifest(ctx, s.Manifest)
	if err != nil {
		return false, err
	}
	missing, err := c.missingOf(ctx, names)
	if err != nil {
		return false, err
	}
	if e.transferred > 0 || len(missing) < len(names) {
		s.Failures = min(s.Failures, triesTogether-1) // it is no use to wait longer
	}
	switch {
	case len(missing) == 0:
		c.Log.Info("all pictures of the DataSync execution that failed were copied, or erased meanwhile", "execution", s.Execution)
		return true, nil
	case len(s.Aside)+len(missing) > maxAside, len(missing) == len(names) && s.Failures+1 < triesTogether:
		return false, nil
	}
	for _, name := range missing {
		_, id, _, _ := store.ParsePublished(name)
		c.Log.Error("a picture could not be copied and is tried again later", "job", string(id), "picture", name, "error", e.failure)
		s.Aside = append(s.Aside, aside{Name: name, Again: now.Add(firstAside)})
	}
	s.stepFailures++
	return true, nil
}

// missingOf returns which of some pictures are not in the bucket and were not erased.
func (c *Copier) missingOf(ctx context.Context, names []string) ([]string, error) {
	folders := map[string]bool{}
	for _, name := range names {
		folders[path.Dir(name)] = true
	}
	missing, _, err := c.compareEach(ctx, slices.Collect(maps.Keys(folders)))
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	missing = slices.DeleteFunc(missing, func(name string) bool { _, in := slices.BinarySearch(names, name); return !in })
	return missing, nil
}

// retryAside returns the pictures that were put aside and are due, and plans their next try. It
// forgets those that were erased or copied.
func (c *Copier) retryAside(ctx context.Context, s *state, now time.Time) ([]string, error) {
	var due []string
	for _, a := range s.Aside {
		if !now.Before(a.Again) {
			due = append(due, a.Name)
		}
	}
	if len(due) == 0 {
		return nil, nil
	}
	missing, err := c.missingOf(ctx, due)
	if err != nil && !isUnavailable(err) { // of one folder, which must not hold up other pictures
		for i, a := range s.Aside {
			if slices.Contains(due, a.Name) {
				s.Aside[i].Again = now.Add(firstAside)
			}
		}
	}
	if err != nil {
		return nil, err
	}
	kept := s.Aside[:0]
	for _, a := range s.Aside {
		if slices.Contains(due, a.Name) {
			if !slices.Contains(missing, a.Name) {
				continue
			}
			a.Tries++
			a.Again = now.Add(min(firstAside<<min(a.Tries, 10), lastAside))
			_, id, _, _ := store.ParsePublished(a.Name)
			c.Log.Warn("trying again to copy a picture that could not be copied", "job", string(id), "picture", a.Name, "tries", a.Tries)
		}
		kept = append(kept, a)
	}
	s.Aside = kept
	return missing, nil
}

package datasync

import (
	"context"
	"errors"
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
	// failuresWithCopies is the number of failures that count at most once an execution has copied
	// some of its pictures. It is no use to wait longer then.
	failuresWithCopies = 2
	// maxErased is the number of erased pictures of an execution that are looked for in the bucket
	// at most.
	maxErased = 100
	// The first try of a picture that is put aside is after firstAside, then at intervals that
	// double up to lastAside.
	firstAside, lastAside = 10 * time.Minute, 24 * time.Hour
)

// checkFailed checks what an execution that failed has copied: DataSync ends with an error if one
// picture was erased meanwhile, and copies the others. It reports whether the scans may go on. If
// the execution has copied some pictures and few others were not copied, it puts these aside. If it
// has copied none, they have a common cause, such as a file server that DataSync can't reach. Then
// the next execution has all of them again, and others that are new by then.
func (c *Copier) checkFailed(ctx context.Context, s *state, now time.Time, e executionState) (goOn bool, err error) {
	names, err := c.getManifest(ctx, s.Manifest)
	if err != nil {
		return false, err
	}
	missing, err := c.missingOf(ctx, names)
	if err != nil {
		return false, err
	}
	if len(missing) == 0 {
		c.Log.Info("all pictures of the DataSync execution that failed were copied, or erased meanwhile", "execution", s.Execution)
		return true, nil
	}
	if some, err := c.copiedSome(ctx, names, missing); !some || err != nil {
		return false, err
	}
	s.Failures = min(s.Failures, failuresWithCopies)
	if len(s.Aside)+len(missing) > maxAside {
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

// copiedSome reports whether one of the pictures of an execution is in the bucket. Those that are
// missing are given, sorted. DataSync's own count may have folders in it.
func (c *Copier) copiedSome(ctx context.Context, names, missing []string) (bool, error) {
	erased := 0
	for _, name := range names {
		if _, is := slices.BinarySearch(missing, name); is {
			continue
		}
		for o, err := range c.Bucket.List(ctx, c.Prefix+name) { // a HEAD may be denied to the caller
			if err != nil || o.Key == c.Prefix+name {
				return err == nil, err
			}
		}
		if erased++; erased == maxErased {
			break
		}
	}
	return false, nil
}

// missingOf returns which of some pictures are not in the bucket and were not erased, sorted.
func (c *Copier) missingOf(ctx context.Context, names []string) ([]string, error) {
	folders := map[string]bool{}
	for _, name := range names {
		folders[path.Dir(name)] = true
	}
	missing, unread, err := c.compareEach(ctx, slices.Collect(maps.Keys(folders)))
	if errors.Is(err, errNotDeleted) && len(unread) == 0 && ctx.Err() == nil {
		err = nil // it concerns other objects: all folders were compared
	}
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	slices.Sort(missing)
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

package store

import (
	"io/fs"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An ownersIndex reads the owners' index for a reconciliation: one hour or minute at a time, the
// folders of all owners. It holds the names of that hour or minute. These are not too many: of a
// minute all its submissions, of an hour only as many as its folder takes (see grain.go).
type ownersIndex struct {
	*Store
	all []string // the owners' folders

	hour     string
	byMinute map[string][]string // the owners with a folder for a minute, in that hour

	folder  string                 // the hour or minute that was read
	names   map[string][]indexName // by the job's own folder
	drained []string               // owners' folders in it from which all names will be removed
}

// An indexName is a name in the owners' index.
type indexName struct {
	id     job.ID
	path   string
	erased bool // the job was erased, and the name only counts its submission
}

// namesOf returns the names of the jobs that belong into a folder of jobs/. For an hour or a minute
// it also returns those of jobs whose finer folder does not exist; finer has those folders that
// exist. With an error it returns what could be read.
func (x *ownersIndex) namesOf(folder string, finer map[string]bool) (names []indexName, err error) {
	if in := folder[:min(len(folder), len(minuteForm))]; x.folder != in {
		err = x.load(in)
	}
	for of, some := range x.names {
		if of == folder || folder == x.folder && !finer[of] {
			names = append(names, some...)
		}
	}
	return names, err
}

// load reads the folder of an hour or a minute.
func (x *ownersIndex) load(folder string) error {
	owners, err := x.owners(folder)
	var failed failures
	failed.add(err)
	x.folder, x.names, x.drained = folder, map[string][]indexName{}, nil
	var mu sync.Mutex
	var calls []func() error
	for _, owner := range owners {
		calls = append(calls, func() error {
			dir := filepath.Join(x.dir, ownersDir, owner, folder)
			names, err := x.listExisting(dir)
			if err != nil {
				return ignore(err, fs.ErrNotExist) // the owner has no jobs there
			}
			mu.Lock()
			defer mu.Unlock()
			x.add(dir, names)
			return nil
		})
	}
	failed.add(runAll(calls))
	return failed.err
}

// add adds the names of an owner's folder.
func (x *ownersIndex) add(dir string, names []string) {
	stay := false
	for _, name := range names {
		text, counts, _ := strings.Cut(name, ".")
		id, err := job.ParseID(text)
		if err == nil {
			x.names[id.Folder()] = append(x.names[id.Folder()], indexName{id, filepath.Join(dir, name), counts == goneMark})
		}
		stay = stay || err != nil || counts != goneMark
	}
	if !stay {
		x.drained = append(x.drained, dir)
	}
}

// removeDrained removes the owners' folders of an hour or a minute that are empty now.
func (x *ownersIndex) removeDrained(folder string) error {
	if folder != x.folder {
		return nil // a second's folder: its names are in that of the minute
	}
	var calls []func() error
	for _, dir := range x.drained {
		calls = append(calls, func() error { return x.removeEmptyUp(dir) })
	}
	return runAll(calls)
}

// owners returns the owners that may have jobs in a folder of an hour or a minute. With an error it
// returns those that could be read. It lists each owner's hour once and not for each minute,
// because with thousands of owners that takes seconds.
func (x *ownersIndex) owners(folder string) (owners []string, err error) {
	if depthOf(folder) <= hourDepth {
		return x.all, nil
	}
	if hour := folder[:len(hourForm)]; x.hour != hour {
		found := make([][]string, len(x.all))
		var calls []func() error
		for i, owner := range x.all {
			calls = append(calls, func() (err error) {
				found[i], err = x.timeFolders(filepath.Join(x.dir, ownersDir, owner), hour, time.Now())
				return err
			})
		}
		err = runAll(calls)
		x.hour, x.byMinute = hour, map[string][]string{}
		for i, owner := range x.all {
			for _, minute := range found[i] {
				x.byMinute[minute] = append(x.byMinute[minute], owner)
			}
		}
	}
	return x.byMinute[folder], err
}

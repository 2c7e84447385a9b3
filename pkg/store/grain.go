package store

import (
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// NewID makes an id for a job that is to be created now. The id contains the coarsest grain whose
// folder is not full: the hour, otherwise the minute, otherwise the second.
//
// The folder of an hour or a minute is listed when this process uses it first and again after 64,
// 128 and 256 of its own ids. Processes that start at the same time may each add 64 before they
// list it again, so 100 processes may fill a folder to 7,000.
func (s *Store) NewID() (job.ID, error) {
	grain, err := s.grains.choose(time.Now(), s.countNames)
	if err != nil {
		return "", fmt.Errorf("choose a folder: %w", err)
	}
	return job.NewIDIn(grain)
}

// countNames counts the names in a folder of jobs/.
func (s *Store) countNames(folder string) (n int, err error) {
	names, err := s.list(filepath.Join(s.dir, jobsDir, folder))
	return len(names), err
}

// fullFolder is the number of names at which a folder gets no further jobs. The folder of a second
// has no limit.
const fullFolder = 500

// A grainChooser chooses folders for new jobs. It may be used concurrently.
type grainChooser struct {
	mu        sync.Mutex
	hour      folderLoad
	minute    folderLoad
	testLimit int // replaces fullFolder in tests; 0 otherwise
}

// A folderLoad is how full this process assumes a folder to be.
type folderLoad struct {
	folder string
	listed int // names at the last listing; -1 before the first
	since  int // ids made here since then
	ids    int // ids made here
	full   bool
}

func (g *grainChooser) choose(now time.Time, count func(folder string) (int, error)) (job.Grain, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for grain, f := range []*folderLoad{job.Hour: &g.hour, job.Minute: &g.minute} {
		ok, err := f.addOne(job.Grain(grain).Folder(now), g.limit(), count)
		if err != nil || ok {
			return job.Grain(grain), err
		}
	}
	return job.Second, nil
}

func (g *grainChooser) limit() int {
	if g.testLimit != 0 {
		return g.testLimit
	}
	return fullFolder
}

// addOne reports whether the folder has space for one more job, and counts it if so.
func (f *folderLoad) addOne(folder string, limit int, count func(folder string) (int, error)) (bool, error) {
	if f.folder != folder {
		*f = folderLoad{folder: folder, listed: -1}
	}
	if f.full {
		return false, nil
	}
	if f.listed < 0 || f.ids >= 64 && f.ids&(f.ids-1) == 0 && f.since > 0 {
		n, err := count(folder)
		if err != nil {
			return false, err
		}
		f.listed, f.since = n, 0
	}
	if f.listed+f.since >= limit {
		f.full = true
		return false, nil
	}
	f.since++
	f.ids++
	return true, nil
}

package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// roomAge is how long what the file system says of its room stands.
const freeSpaceAge = time.Second

// A room is what is free on the file system of the directory, as it was a moment ago.
type freeSpace struct {
	mu sync.Mutex
	at time.Time
	diskSpace
}

// A space is what a file system has, and what of it is free for us: bytes, and files, of which it may say nothing
// (0 and 0), as EFS and btrfs do.
type diskSpace struct{ free, total, freeFiles, files uint64 }

// keptFiles is how many files submissions leave free for those of existing jobs and for the removal of others, or a
// twentieth of all where that is less.
const minFreeFiles = 10_000

// roomy is job.ErrDiskFull where less would be left than the floor after so many
// bytes more, or no room for files. The pictures of submissions that are being written at the same moment
// are not counted.
func (s *Store) checkFreeSpace(bytes int64) error {
	if s.quotas.MinFree == 0 {
		return nil
	}
	r := &s.freeSpace
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) >= freeSpaceAge {
		err := s.byPath("statfs", s.dir, func() (err error) {
			r.diskSpace, err = statSpace(s.dir)
			return err
		})
		if err != nil {
			return err
		}
		r.at = time.Now()
	}
	floor := min(uint64(s.quotas.MinFree)<<20, r.total/20)
	if r.free < floor+uint64(bytes) {
		return fmt.Errorf("%w: %d MiB are free, and %d MiB must stay free for existing jobs", job.ErrDiskFull, r.free>>20, floor>>20)
	}
	if kept := min(minFreeFiles, r.files/20); r.freeFiles < kept {
		return fmt.Errorf("%w: there is room for %d files (inodes), and for %d must stay for existing jobs", job.ErrDiskFull, r.freeFiles, kept)
	}
	return nil
}

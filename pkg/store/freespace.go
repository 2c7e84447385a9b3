package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// freeSpaceAge is how long a measurement of the free space is used.
const freeSpaceAge = time.Second

// A freeSpace is the last measurement of the directory's file system.
type freeSpace struct {
	mu sync.Mutex
	at time.Time
	diskSpace
}

// A diskSpace is the size of a file system and the part that is free: in bytes, and in files
// (inodes), of which both numbers are 0 if the file system does not report them (EFS, btrfs).
type diskSpace struct{ free, total, freeFiles, files uint64 }

// minFreeFiles is how many files (inodes) submissions leave free for existing jobs and for the
// removal of others, or a twentieth of all if that is less.
const minFreeFiles = 10_000

// checkFreeSpace returns job.ErrDiskFull if the file system would have less than the minimum free
// after this many further bytes, or has too few inodes. Submissions that are being written at the
// same moment are not counted.
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
		return fmt.Errorf("%w: %d files (inodes) are free, and %d must stay free for existing jobs", job.ErrDiskFull, r.freeFiles, kept)
	}
	return nil
}

package store

import (
	"fmt"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// roomAge is how long what the file system says of its room stands.
const roomAge = time.Second

// A room is what is free on the file system of the directory, as it was a moment ago.
type room struct {
	mu          sync.Mutex
	at          time.Time
	free, total uint64
}

// roomy is job.ErrDiskFull where less would be left than the floor after so many
// bytes more. The pictures of submissions that are being written at the same moment
// are not counted.
func (s *Store) roomy(bytes int64) error {
	if s.quotas.MinFree == 0 {
		return nil
	}
	r := &s.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if time.Since(r.at) >= roomAge {
		err := s.do("statfs", s.dir, func() (err error) {
			r.free, r.total, err = freeSpace(s.dir)
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
	return nil
}

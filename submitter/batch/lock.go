package batch

import (
	"errors"
	"time"

	"github.com/gofrs/flock"
)

// ErrBusy is the error of opening a batch on which another process works.
var ErrBusy = errors.New("another submitter works on it")

// lockedWithin is the time within which a process locks a file that it has made.
const lockedWithin = time.Second

// lockFile locks a file until the lock is closed or the process ends, also if it is renamed
// meanwhile. flag is as for os.OpenFile, so that a new file can be made and locked.
func lockFile(path string, flag int) (*flock.Flock, error) {
	lock := flock.New(path, flock.SetFlag(flag))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		err = ErrBusy
	}
	return lock, err
}

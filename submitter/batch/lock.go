package batch

import (
	"errors"
	"time"

	"github.com/gofrs/flock"
)

// ErrBusy means that another process works on the batch.
var ErrBusy = errors.New("another submitter works on it")

// lockedWithin is the time within which a process locks a file that it has created.
const lockedWithin = time.Second

// lockFile locks a file until the lock is closed or the process ends. The lock stays if the file is
// renamed. flag is that of os.OpenFile, so that a file can be created and locked.
func lockFile(path string, flag int) (*flock.Flock, error) {
	lock := flock.New(path, flock.SetFlag(flag))
	locked, err := lock.TryLock()
	if err == nil && !locked {
		err = ErrBusy
	}
	return lock, err
}

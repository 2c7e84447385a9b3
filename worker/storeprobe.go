package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// isFileError reports whether err comes from the file system.
func isFileError(err error) bool {
	var (
		path  *fs.PathError
		link  *os.LinkError
		call  *os.SyscallError
		errno syscall.Errno
	)
	return errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &call) || errors.As(err, &errno)
}

// diagnose finds out whether the store is unavailable, if err comes from the file system or is a
// lost lease, which both may be consequences. If it is, the returned error wraps err and
// job.ErrStoreUnavailable. In all other cases it is err.
func (w *Worker) diagnose(err error) error {
	if errors.Is(err, job.ErrStoreUnavailable) || !isFileError(err) && !errors.Is(err, job.ErrLeaseLost) {
		return err
	}
	if w.probeStore(context.Background()) != nil {
		return fmt.Errorf("%w: %w", job.ErrStoreUnavailable, err)
	}
	return err
}

// probeTimeout is how long the store may take to respond before it counts as unavailable. It
// normally takes some milliseconds.
const probeTimeout = 5 * time.Second

// probeStore returns an error if the store is unavailable, or if it does not respond within
// probeTimeout or before ctx ends. Only one probe runs at a time, in its own goroutine, because
// calls to a file server that is gone never return.
func (w *Worker) probeStore(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	select {
	case r := <-w.probe.DoChan("", func() (any, error) { return nil, w.cfg.Store.Check() }):
		return r.Err
	case <-ctx.Done():
		return fmt.Errorf("probe the store: no response: %w", context.Cause(ctx))
	}
}

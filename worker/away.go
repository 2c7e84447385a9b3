package worker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// fromFiles says whether err is one of the file system.
func fromFiles(err error) bool {
	var (
		path  *fs.PathError
		link  *os.LinkError
		call  *os.SyscallError
		errno syscall.Errno
	)
	return errors.As(err, &path) || errors.As(err, &link) || errors.As(err, &call) || errors.As(err, &errno)
}

// diagnose tells an error of the whole store, which becomes job.ErrStoreAway too,
// from one of a single job's files, by asking the store how it is. So it does with
// a lost lease, since all jobs are gone with the store. Other errors stay as they
// are.
func (w *Worker) diagnose(err error) error {
	if errors.Is(err, job.ErrStoreAway) || !fromFiles(err) && !errors.Is(err, job.ErrLeaseLost) {
		return err
	}
	if away := w.checkStore(context.Background()); away != nil {
		return fmt.Errorf("%w: %w", job.ErrStoreAway, err)
	}
	return err
}

// storePatience is how long the store may take to answer before it counts as
// away. Well, it takes some milliseconds.
const storePatience = 5 * time.Second

// A storeProbe is a check of the store that is under way, of which there is one
// at a time: calls into a dead file server don't come back.
type storeProbe struct {
	mu      sync.Mutex
	current *storeCheck
}

type storeCheck struct {
	done chan struct{}
	err  error // once done is closed
}

// checkStore asks the store how it is, and waits no longer than storePatience or
// ctx for the answer.
func (w *Worker) checkStore(ctx context.Context) error {
	p := &w.probe
	p.mu.Lock()
	c := p.current
	if c == nil {
		c = &storeCheck{done: make(chan struct{})}
		p.current = c
		go func() {
			c.err = w.Store.Check()
			p.mu.Lock()
			p.current = nil
			p.mu.Unlock()
			close(c.done)
		}()
	}
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
		return fmt.Errorf("check the store: no answer: %w", context.Cause(ctx))
	}
}

//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// faults decides which calls to a file system fail. It is safe for concurrent use.
type faults struct {
	on    atomic.Bool
	count atomic.Int64 // calls that have failed

	mu     sync.Mutex
	chance *rand.Rand
}

// A moment has the errors of a call: one with which it fails before it has its effect, and one with which it fails
// after that.
type moment struct{ before, after syscall.Errno } // 0: it does not fail then

// strike delays some calls, and decides whether and how this call fails. full: the call may need space, so that it can
// fail with ENOSPC.
func (f *faults) strike(full bool) (m moment) {
	if !f.on.Load() {
		return m
	}
	f.mu.Lock()
	late, fails, kind := within(f.chance, 50*time.Millisecond), f.chance.Float64() < 0.01, f.chance.IntN(4)
	if f.chance.Float64() > 0.2 {
		late = 0
	}
	f.mu.Unlock()
	time.Sleep(late)
	if !fails {
		return m
	}
	f.count.Add(1)
	switch {
	case kind == 0 && full:
		m.before = syscall.ENOSPC
	case kind == 1:
		m.before = syscall.ESTALE
	case kind == 2:
		m.after = syscall.EIO
	default:
		m.before = syscall.EIO
	}
	return m
}

// mountFaulty mounts a file system that fails at times, and passes all other calls on to the shared directory. The
// stack's programs use it; this program uses the shared directory itself.
func mountFaulty(c *settings) (*faults, error) {
	f := &faults{chance: rand.New(rand.NewPCG(c.seed, 3))} //nolint:gosec // not for secrets
	at := filepath.Join(c.folder, "faulty")
	c.dir = filepath.Join(c.folder, "shared")
	for _, dir := range []string{at, c.dir} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return nil, err
		}
	}
	root, err := os.Open(c.dir)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat("/dev/fuse"); err != nil {
		return nil, &unavailableError{"there is no /dev/fuse: sudo modprobe fuse; without root also sudo apt-get install fuse3"}
	}
	none := time.Duration(0) // the kernel caches neither names nor attributes, so that all calls come here
	server, err := fs.Mount(at, &node{faults: f, file: root}, &fs.Options{
		EntryTimeout: &none, AttrTimeout: &none,
		MountOptions: fuse.MountOptions{FsName: "faulty", Name: "faulty", DirectMount: true},
	})
	if err != nil {
		return nil, &unavailableError{fmt.Sprintf("a FUSE file system can't be mounted (%v): run it as root, or sudo apt-get install fuse3", err)}
	}
	c.cleanup(func() error {
		if server.Unmount() == nil {
			return nil
		}
		return syscall.Unmount(at, syscall.MNT_DETACH) // a process still uses it
	})
	c.view = func(string) string { return at }
	return f, nil
}

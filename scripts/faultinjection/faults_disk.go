//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// full keeps a disk full for two seconds. It fills the disk again and again, to use up also what the programs free
// meanwhile.
func full(ctx context.Context, d *disk, fill func() error) bool {
	const during, again = 2 * time.Second, 100 * time.Millisecond
	ok := true
	for end := time.Now().Add(during); time.Now().Before(end); {
		ok = fill() == nil && ok
		if pause(ctx, again) != nil {
			break
		}
	}
	return d.empty() == nil && ok
}

func fullDisk() *scenario {
	var d *disk
	return &scenario{
		name: "full-disk", breaks: "the shared directory's disk is full for two seconds",
		prepare: func(_ context.Context, c *settings) (err error) {
			d, err = newDisk(c, "size=384m,nr_inodes=2m")
			return err
		},
		every: 2 * time.Second, takes: 2 * time.Second, short: size{600, 8}, long: size{6000, 80},
		fault: func(ctx context.Context, _ *trial) bool { return full(ctx, d, d.fill) },
	}
}

func noInodes() *scenario {
	var d *disk
	return &scenario{
		name: "no-inodes", breaks: "the shared directory's disk has no inode left for two seconds",
		prepare: func(_ context.Context, c *settings) (err error) {
			d, err = newDisk(c, "size=1g,nr_inodes=60k")
			return err
		},
		every: 2 * time.Second, takes: 2 * time.Second, short: size{600, 8}, long: size{6000, 80},
		fault: func(ctx context.Context, _ *trial) bool { return full(ctx, d, d.fillInodes) },
	}
}

func faultyFiles() *scenario {
	var f *faults
	return &scenario{
		name: "faulty-files", breaks: "calls to the shared directory (FUSE) take up to 50 ms longer, and 1% fail with EIO before or after they had their effect, ENOSPC or ESTALE, for a second",
		prepare: func(_ context.Context, c *settings) (err error) {
			f, err = mountFaulty(c)
			return err
		},
		every: 1500 * time.Millisecond, takes: time.Second, short: size{400, 10}, long: size{4000, 100},
		fault: func(ctx context.Context, _ *trial) bool {
			before := f.count.Load()
			f.on.Store(true)
			_ = pause(ctx, time.Second)
			f.on.Store(false)
			return f.count.Load() > before
		},
	}
}

func fileServerAway() *scenario {
	const away = 60 * time.Second
	return &scenario{
		name: "file-server", breaks: "the file server is stopped for a minute: Linux's NFS 4.1 with two clients (scripts/nfs)", nfs: true,
		every: 10 * time.Second, takes: away, short: size{60, 1}, long: size{300, 5},
		prepare: func(_ context.Context, c *settings) error {
			c.dir = filepath.Join(c.nfs.disk, "shared")
			c.view = func(process string) string {
				if strings.HasSuffix(process, "-1") {
					return filepath.Join(c.nfs.b, "shared")
				}
				return filepath.Join(c.nfs.a, "shared")
			}
			return nil
		},
		fault: func(ctx context.Context, t *trial) bool {
			stopped := exec.Command(t.nfs.server, "stop").Run() == nil //nolint:gosec // that of scripts/nfs
			_ = pause(ctx, away)
			return exec.Command(t.nfs.server, "start").Run() == nil && stopped //nolint:gosec // the same
		},
	}
}

// nfsTime is added to a scenario's duration to limit how long scripts/nfs may run: programs are slow in it.
const nfsTime = 12 * time.Minute

func nfsTimeout(n size, sc *scenario) string {
	return fmt.Sprint(int((n.duration(sc) + nfsTime).Seconds()))
}

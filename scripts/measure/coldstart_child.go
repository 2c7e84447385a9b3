package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/atelier-go/atelier/scripts/measure/pagecache"
)

// A coldPlan is what a conductor of cold starts needs to know beside the picture.
type coldPlan struct {
	Engines   []coldEngine
	Bootstrap string // the file of worker-bootstrap
	Rounds    int
}

type coldEngine struct {
	Name     string
	Program  string
	Library  string // its folder
	Stripped string // likewise, without symbol tables
}

// A coldCell is the starts of one engine with its library in one form.
type coldCell struct {
	Engine, Library string
	Cold, Warm      []nfsStart
}

// An nfsStart is one start of a process, and what it read from the file server.
type nfsStart struct {
	Seconds float64
	Calls   int   // READs
	Bytes   int64 // that they brought
}

func (n nfsStart) seconds() float64 { return n.Seconds }

// coldStarts runs inside scripts/nfs: it puts libraries and model there through one
// client and starts processes that read them through the other.
func coldStarts(ctx context.Context, t task, out io.Writer) error {
	written, mount := os.Getenv("NFS_A"), os.Getenv("NFS_B")
	if mount == "" {
		return errors.New("NFS_B is not set: scripts/nfs does that")
	}
	if err := os.CopyFS(filepath.Join(written, "model"), os.DirFS(t.Model)); err != nil {
		return err
	}
	t.Model = filepath.Join(mount, "model")
	var cells []coldCell
	var starts []func(context.Context) (cold, warm nfsStart, err error)
	for _, e := range t.Cold.Engines {
		for _, folder := range []string{e.Library, e.Stripped} {
			if err := os.CopyFS(filepath.Join(written, folder), os.DirFS(folder)); err != nil {
				return err
			}
		}
		for _, v := range []struct {
			name, folder string
			ahead        bool
		}{{asShipped, e.Library, false}, {stripped, e.Stripped, false}, {readAhead, e.Library, true}} {
			cells = append(cells, coldCell{Engine: e.Name, Library: v.name})
			starts = append(starts, func(ctx context.Context) (nfsStart, nfsStart, error) {
				return coldAndWarm(ctx, t, e.Program, filepath.Join(mount, v.folder), v.ahead)
			})
		}
	}
	if err := evictAll(written); err != nil { // the memory is for the other client
		return err
	}
	for range t.Cold.Rounds {
		for i, start := range starts {
			cold, warm, err := start(ctx)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", cells[i].Engine, cells[i].Library, err)
			}
			cells[i].Cold, cells[i].Warm = append(cells[i].Cold, cold), append(cells[i].Warm, warm)
		}
	}
	return answer(out, cells)
}

// coldAndWarm starts a process when nothing of what is on the mount is in the page
// cache, and again.
func coldAndWarm(ctx context.Context, t task, program, library string, ahead bool) (cold, warm nfsStart, err error) {
	mount := os.Getenv("NFS_B")
	if err := evictAll(mount); err != nil {
		return cold, warm, err
	}
	for _, into := range []*nfsStart{&cold, &warm} {
		cmd, said, err := childOf(ctx, program, "first-image", t)
		if err != nil {
			return cold, warm, err
		}
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+library)
		if ahead {
			cmd.Args = append([]string{t.Cold.Bootstrap}, cmd.Args...)
			cmd.Path = t.Cold.Bootstrap
			cmd.Env = append(cmd.Env, "ATELIER_READ_AHEAD="+filepath.Join(library, "read-ahead.json")+":"+t.Model)
		}
		// Of the machine's own files the program alone counts.
		if _, err := os.ReadFile(program); err != nil {
			return cold, warm, err
		}
		if *into, err = startOnNFS(cmd, said, mount); err != nil {
			return cold, warm, err
		}
	}
	return cold, warm, nil
}

// startOnNFS times a child until it says its byte, and counts the READs of a mount
// meanwhile.
func startOnNFS(cmd *exec.Cmd, said *bytes.Buffer, mount string) (n nfsStart, err error) {
	calls, brought, err := nfsReads(mount)
	if err != nil {
		return n, err
	}
	up, err := startOnce(cmd, said)
	if err != nil {
		return n, err
	}
	n.Seconds = up.took.Seconds()
	n.Calls, n.Bytes, err = nfsReads(mount)
	n.Calls -= calls
	n.Bytes -= brought
	return n, err
}

// nfsReads is how many READs a mount has made since it was mounted, and what they
// brought.
func nfsReads(mount string) (calls int, brought int64, err error) {
	b, err := os.ReadFile("/proc/self/mountstats")
	if err != nil {
		return 0, 0, err
	}
	_, of, _ := strings.Cut(string(b), " mounted on "+mount+" ")
	of, _, _ = strings.Cut(of, "\ndevice ")
	_, counts, _ := strings.Cut(of, " READ: ")
	// calls, transmissions, timeouts, bytes sent, bytes received
	var transmitted, timeouts, sent int64
	if _, err := fmt.Sscan(counts, &calls, &transmitted, &timeouts, &sent, &brought); err != nil {
		return 0, 0, fmt.Errorf("/proc/self/mountstats has no READs of %s: %w", mount, err)
	}
	return calls, brought, nil
}

// evictAll takes the files below a folder out of the page cache, and forgets what is
// known of names and attributes.
func evictAll(dir string) error {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		return err
	}
	f, err := pagecache.Open(paths)
	if err != nil {
		return err
	}
	if err := f.Evict(); err != nil {
		return err
	}
	if cached, err := f.Cached(); err != nil || cached > 0 {
		return errors.Join(err, fmt.Errorf("%d bytes of %s stayed in the page cache", cached, dir))
	}
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0)
}

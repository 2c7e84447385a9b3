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

	"github.com/atelier-go/atelier/scripts/measure/nfsmount"
	"github.com/atelier-go/atelier/scripts/measure/pagecache"
)

// A coldPlan has the settings of coldStarts in addition to those of the picture.
type coldPlan struct {
	Engines   []coldEngine
	Bootstrap string // path of worker-bootstrap
	Rounds    int
}

type coldEngine struct {
	Name    string
	Program string
	Library string // folder of the library
}

// A coldResult has the starts of one engine in one form.
type coldResult struct {
	Engine, Library string
	Cold, Warm      []nfsStart
}

// An nfsStart is one start of a process, with its reads from the file server.
type nfsStart struct {
	Seconds float64
	Calls   int   // number of READs
	Bytes   int64 // bytes read
}

func (n nfsStart) seconds() float64 { return n.Seconds }

// coldStarts runs inside scripts/nfs: it copies libraries and model to the file system through one
// client, and starts processes that read them through the other.
func coldStarts(ctx context.Context, t task, out io.Writer) error {
	written, mount := t.written, t.mount
	if mount == "" {
		return errors.New("NFS_B is not set: run this with scripts/nfs")
	}
	if err := os.CopyFS(filepath.Join(written, "model"), os.DirFS(t.Model)); err != nil {
		return err
	}
	t.Model = filepath.Join(mount, "model")
	var cells []coldResult
	var starts []func(context.Context) (cold, warm nfsStart, err error)
	for _, e := range t.Cold.Engines {
		if err := os.CopyFS(filepath.Join(written, e.Library), os.DirFS(e.Library)); err != nil {
			return err
		}
		for _, form := range []string{asShipped, readAhead} {
			cells = append(cells, coldResult{Engine: e.Name, Library: form})
			starts = append(starts, func(ctx context.Context) (nfsStart, nfsStart, error) {
				return coldAndWarm(ctx, t, e.Program, filepath.Join(mount, e.Library), form == readAhead)
			})
		}
	}
	if err := pagecache.EvictAll(written); err != nil { // the memory is needed by the other client
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

// coldAndWarm starts a process with an empty page cache for the mount, and again with a full one.
func coldAndWarm(ctx context.Context, t task, program, library string, ahead bool) (cold, warm nfsStart, err error) {
	if err := pagecache.EvictAll(t.mount); err != nil {
		return cold, warm, err
	}
	for _, into := range []*nfsStart{&cold, &warm} {
		cmd, stderr, err := childOf(ctx, program, "first-image", t)
		if err != nil {
			return cold, warm, err
		}
		cmd.Env = append(cmd.Env, "LD_LIBRARY_PATH="+library)
		if ahead {
			cmd.Args = append([]string{t.Cold.Bootstrap}, cmd.Args...)
			cmd.Path = t.Cold.Bootstrap
			cmd.Env = append(cmd.Env, "ATELIER_READ_AHEAD="+filepath.Join(library, "read-ahead.json")+":"+t.Model)
		}
		// EvictAll can also drop local files that no process has open, such as the program: it is read here again.
		if _, err := os.ReadFile(program); err != nil {
			return cold, warm, err
		}
		if *into, err = startOnNFS(cmd, stderr, t.mount); err != nil {
			return cold, warm, err
		}
	}
	return cold, warm, nil
}

// startOnNFS measures the time until a child writes its first byte, and counts the READs of a mount
// meanwhile.
func startOnNFS(cmd *exec.Cmd, stderr *bytes.Buffer, mount string) (n nfsStart, err error) {
	before, err := nfsmount.Reads(mount)
	if err != nil {
		return n, err
	}
	up, err := startOnce(cmd, stderr)
	if err != nil {
		return n, err
	}
	n.Seconds = up.took.Seconds()
	after, err := nfsmount.Reads(mount)
	reads := after.Since(before)
	n.Calls, n.Bytes = reads.Calls, reads.Bytes
	return n, err
}

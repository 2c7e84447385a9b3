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
	if err := pagecache.EvictAll(written); err != nil { // the memory is for the other client
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
	if err := pagecache.EvictAll(mount); err != nil {
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
	before, err := nfsmount.Reads(mount)
	if err != nil {
		return n, err
	}
	up, err := startOnce(cmd, said)
	if err != nil {
		return n, err
	}
	n.Seconds = up.took.Seconds()
	after, err := nfsmount.Reads(mount)
	reads := after.Since(before)
	n.Calls, n.Bytes = reads.Calls, reads.Bytes
	return n, err
}

package measurement

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/scripts/measure/nfsmount"
	"github.com/atelier-go/atelier/scripts/measure/pagecache"
)

// OnNFSArg is the first argument of a program that has to call [OnNFS] with the second argument.
const OnNFSArg = "measure-on-nfs"

// A task is the argument of [OnNFS].
type task struct {
	Programs Programs
	Variant  Variant
}

// serviceOnNFS is service inside scripts/nfs: jobs, engine and model are on a network file system,
// as on EFS, with nothing of it in the page cache.
func (p Programs) serviceOnNFS(ctx context.Context, v Variant) (*Run, error) {
	program := filepath.Join(p.Root, "scripts", "nfs")
	if out, err := exec.CommandContext(ctx, program, "--check").CombinedOutput(); err != nil {
		return nil, &UnavailableError{strings.TrimSpace(string(out))}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	settings, err := json.Marshal(task{p, v})
	if err != nil {
		return nil, err
	}
	u, err := startUsage()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, "--latency", strconv.Itoa(v.LatencyMS), "--memory", "5000", "--disk", "3000", "--timeout", "1800",
		"--", self, OnNFSArg, string(settings))
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("scripts/nfs: %w: %s", err, stderr.Bytes()[max(0, stderr.Len()-1000):])
	}
	run, err := Read(&out)
	if err != nil {
		return nil, fmt.Errorf("scripts/nfs: %w", err)
	}
	run.Footer.Steal = u.footer(1).Steal // which the kernel in scripts/nfs can't measure
	return run, nil
}

// OnNFS runs inside scripts/nfs: it copies engine and model to the file system through one client, at
// written, measures a worker through the other, at mount, and writes the run.
func OnNFS(ctx context.Context, settings, written, mount string, w io.Writer) error {
	var t task
	if err := json.Unmarshal([]byte(settings), &t); err != nil {
		return err
	}
	if mount == "" {
		return errors.New("NFS_B is not set: run this with scripts/nfs")
	}
	p, v := t.Programs, t.Variant
	if err := errors.Join(
		os.CopyFS(filepath.Join(written, "library"), os.DirFS(filepath.Join(p.library(v.Engine), "lib"))),
		os.CopyFS(filepath.Join(written, "model"), os.DirFS(p.Model)),
		os.Mkdir(filepath.Join(written, "jobs"), 0o755),
		pagecache.EvictAll(written), // the memory is needed by the other client
	); err != nil {
		return err
	}
	p.Model, p.mount = filepath.Join(mount, "model"), mount
	if _, err := os.ReadFile(p.program("worker-lambda", v.Engine)); err != nil { // it is on a local disk, like a function's program
		return err
	}
	if err := pagecache.EvictAll(mount); err != nil {
		return err
	}
	run, err := p.service(ctx, v)
	if err != nil {
		return err
	}
	run.Header.Format, run.Footer.Jobs = Format, len(run.Jobs)
	return run.Write(w)
}

// reads returns the reads of the mount so far; zero if there is no mount.
func (p Programs) reads() (nfsmount.Counts, error) {
	if p.mount == "" {
		return nfsmount.Counts{}, nil
	}
	return nfsmount.Reads(p.mount)
}

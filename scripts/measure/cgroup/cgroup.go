// Package cgroup limits processes to a share of the machine, with Linux control groups of version 1
// or 2.
package cgroup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// A Group is a control group: one folder in version 2, and one for each controller in version 1.
type Group struct{ folders []string }

// A Share is a part of the machine's resources.
type Share struct {
	Memory int64         // bytes; 0 means no limit
	CPUs   float64       // processors
	Period time.Duration // period of the quota of processor time; 0 means 100 ms, the kernel's default
}

const defaultPeriod = 100 * time.Millisecond

func (s Share) period() int64 {
	if s.Period == 0 {
		s.Period = defaultPeriod
	}
	return s.Period.Microseconds()
}

func (s Share) quota() int64 { return int64(s.CPUs * float64(s.period())) }

// An UnavailableError is the reason why no control group can be made on this system, with what to
// do.
type UnavailableError struct{ reason string }

func (e *UnavailableError) Error() string { return e.reason }

// Prefix is the beginning of all groups' names, followed by the process id.
const Prefix = "atelier-bench-"

var made atomic.Int64

// New makes a group, in dir if that is a delegated group of version 2. The caller must close it. An
// error may be an [*UnavailableError].
func New(dir string, of Share) (*Group, error) {
	name := fmt.Sprintf("%s%d", Prefix, os.Getpid())
	if n := made.Add(1); n > 1 {
		name += fmt.Sprintf("-%d", n)
	}
	parents, err := controllers(dir)
	if err != nil {
		return nil, err
	}
	g := new(Group)
	for _, p := range parents {
		sweep(p.folder)
		folder := filepath.Join(p.folder, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			return nil, errors.Join(&UnavailableError{fmt.Sprintf("no control group can be made in %s: run as root, or use --cgroup DIR with a delegated group: %v", p.folder, err)}, g.Close())
		}
		g.folders = append(g.folders, folder)
		for _, l := range p.limits(of) {
			err := os.WriteFile(filepath.Join(folder, l.file), fmt.Append(nil, l.value), 0o600)
			if err != nil && (!l.optional || !errors.Is(err, fs.ErrNotExist)) {
				return nil, errors.Join(&UnavailableError{"a control group's limit can't be set: " + err.Error()}, g.Close())
			}
		}
	}
	return g, nil
}

// sweep removes the empty groups of killed processes.
func sweep(dir string) {
	left, _ := filepath.Glob(filepath.Join(dir, Prefix+"*")) // the pattern is valid
	for _, folder := range left {
		id, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), Prefix), "-")
		if pid, err := strconv.Atoi(id); err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.Remove(folder) // fails if it has processes
		}
	}
}

// Folders returns the folders with the group's files.
func (g *Group) Folders() []string { return g.folders }

// Add makes a command join the group before it becomes its program.
func (g *Group) Add(cmd *exec.Cmd) {
	const join = `while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit; shift; done; shift; exec "$@"`
	args := slices.Clone(cmd.Args)
	args[0] = cmd.Path
	cmd.Args = slices.Concat([]string{"sh", "-c", join, "sh"}, g.folders, []string{"--"}, args)
	cmd.Path = "/bin/sh"
}

// ErrKilled reports that the system has killed a process because of its memory.
var ErrKilled = errors.New("killed because it exceeded its memory limit")

// Reason returns [ErrKilled] for a process that ended with SIGKILL, which no other process sends.
func (g *Group) Reason(ctx context.Context, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return ErrKilled
		}
	}
	return err
}

// Close removes the group, whose processes must have ended.
func (g *Group) Close() error {
	var errs []error
	for _, folder := range g.folders {
		err := os.Remove(folder)
		for range 100 { // its last process may still be ending
			if !errors.Is(err, syscall.EBUSY) {
				break
			}
			time.Sleep(20 * time.Millisecond)
			err = os.Remove(folder)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

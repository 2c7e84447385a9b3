package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// A cell is a control group that holds processes to a part of the machine: one
// folder in version 2, one for each controller in version 1.
type cell struct{ folders []string }

// A share is a part of the machine.
type share struct {
	memory int64
	cpus   float64
}

const quotaPeriod = 100_000 // microseconds, as kernels have it by default

// newCell makes a control group, in dir where that names a delegated one. Close
// removes it.
func newCell(dir string, of share) (*cell, error) {
	name := fmt.Sprintf("atelier-bench-%d", os.Getpid())
	quota := int64(of.cpus * quotaPeriod)
	parents, err := controllers(dir)
	if err != nil {
		return nil, err
	}
	c := new(cell)
	for _, p := range parents {
		folder := filepath.Join(p.folder, name)
		if err := os.Mkdir(folder, 0o755); err != nil {
			return nil, errors.Join(&lacking{fmt.Sprintf("no control group can be made in %s, which takes root, or --cgroup DIR with a delegated one: %v", p.folder, err)}, c.close())
		}
		c.folders = append(c.folders, folder)
		for _, l := range p.limits(of.memory, quota) {
			err := os.WriteFile(filepath.Join(folder, l.file), fmt.Append(nil, l.value), 0o600)
			if err != nil && (!l.optional || !errors.Is(err, fs.ErrNotExist)) {
				return nil, errors.Join(&lacking{"a control group's limit can't be set: " + err.Error()}, c.close())
			}
		}
	}
	return c, nil
}

// A controller is a folder below which control groups are made, and the limits
// that they take there.
type controller struct {
	folder string
	limits func(memory, quota int64) []limit
}

type limit struct {
	file     string
	value    any
	optional bool // a kernel may lack it
}

func limits2(memory, quota int64) []limit {
	return []limit{{"memory.max", memory, false}, {"memory.swap.max", 0, true}, {"cpu.max", fmt.Sprintf("%d %d", quota, quotaPeriod), false}}
}

func limitsMemory1(memory, _ int64) []limit {
	return []limit{{"memory.limit_in_bytes", memory, false}, {"memory.memsw.limit_in_bytes", memory, true}}
}

func limitsCPU1(_, quota int64) []limit {
	return []limit{{"cpu.cfs_period_us", quotaPeriod, false}, {"cpu.cfs_quota_us", quota, false}}
}

// controllers finds where memory and processors are shared out: in version 2 at
// the root, since a group that holds processes can't be divided, in version 1 below
// the groups of this process.
func controllers(dir string) ([]controller, error) {
	if dir != "" {
		return version2(dir)
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, &lacking{"this system has no control groups"}
	}
	var one []controller
	two := ""
	for line := range strings.Lines(string(mounts)) {
		// 33 23 0:28 / /sys/fs/cgroup/memory rw,... - cgroup cgroup rw,memory
		place, kind, _ := strings.Cut(line, " - ")
		f, k := strings.Fields(place), strings.Fields(kind)
		switch {
		case len(f) < 5 || len(k) < 3:
		case k[0] == "cgroup2":
			two = f[4]
		case k[0] == "cgroup":
			options := strings.Split(k[2], ",")
			if slices.Contains(options, "memory") {
				one = append(one, controller{filepath.Join(f[4], ownGroup("memory")), limitsMemory1})
			}
			if slices.Contains(options, "cpu") {
				one = append(one, controller{filepath.Join(f[4], ownGroup("cpu")), limitsCPU1})
			}
		}
	}
	switch {
	case len(one) == 2:
		return one, nil
	case two != "":
		return version2(two)
	}
	return nil, &lacking{"no control groups with memory and cpu are mounted"}
}

func version2(dir string) ([]controller, error) {
	file := filepath.Join(dir, "cgroup.subtree_control")
	enabled, err := os.ReadFile(file)
	if err != nil {
		return nil, &lacking{"no control group of version 2: " + err.Error()}
	}
	for _, want := range []string{"cpu", "memory"} {
		if !slices.Contains(strings.Fields(string(enabled)), want) {
			return nil, &lacking{fmt.Sprintf("the groups below %s don't have the controller %s: echo +cpu +memory | sudo tee %s", dir, want, file)}
		}
	}
	return []controller{{dir, limits2}}, nil
}

// ownGroup is this process's group under a controller of version 1.
func ownGroup(of string) string {
	groups, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return "/"
	}
	for line := range strings.Lines(string(groups)) {
		// 4:cpu,cpuacct:/user.slice
		f := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(f) == 3 && slices.Contains(strings.Split(f[1], ","), of) {
			return f[2]
		}
	}
	return "/"
}

// errKilled is of a process that the system has killed for its memory.
var errKilled = errors.New("killed: it took more memory than it may")

// askIn runs a task inside a cell and reads its answer.
func askIn[T any](ctx context.Context, c *cell, program, kind string, t task) (answer T, err error) {
	cmd, said, err := c.child(ctx, program, kind, t)
	if err != nil {
		return answer, err
	}
	answer, err = answerOf[T](cmd, said)
	return answer, c.reason(ctx, err)
}

// child is childOf that joins the cell before it becomes the program.
func (c *cell) child(ctx context.Context, program, kind string, t task) (*exec.Cmd, *bytes.Buffer, error) {
	cmd, said, err := childOf(ctx, program, kind, t)
	if err != nil {
		return nil, nil, err
	}
	const join = `while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs" || exit; shift; done; shift; exec "$@"`
	cmd.Args = slices.Concat([]string{"sh", "-c", join, "sh"}, c.folders, []string{"--"}, cmd.Args)
	cmd.Path = "/bin/sh"
	return cmd, said, nil
}

// reason makes errKilled of a child's end by SIGKILL, which nobody else sends.
func (c *cell) reason(ctx context.Context, err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && ctx.Err() == nil {
		if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() && status.Signal() == syscall.SIGKILL {
			return errKilled
		}
	}
	return err
}

// close removes the group. Its last process may take a moment to leave it.
func (c *cell) close() error {
	var errs []error
	for _, folder := range c.folders {
		err := os.Remove(folder)
		for range 100 {
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

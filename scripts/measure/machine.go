package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// conditions is under which circumstances the figures came about. What a system
// doesn't tell is "unknown".
func conditions(ctx context.Context, o options, args []string, loadBefore string) string {
	rows := [][]string{
		{"", ""},
		{"date", time.Now().UTC().Format("2006-01-02 15:04 UTC")},
		{"command", strings.Join(append([]string{"scripts/bench"}, args...), " ")},
		{"commit", commit(ctx, o.Root)},
		{"machine", fmt.Sprintf("%s, %d cores (of which %d may be used), %s", processor(ctx), runtime.NumCPU(), runtime.GOMAXPROCS(0), ram(ctx))},
		{"system", fmt.Sprintf("%s/%s, %s; files on %s", runtime.GOOS, runtime.GOARCH, runtime.Version(), fileSystem(ctx, o.Dir))},
		{"load average", loadBefore + " before, " + loadAverage() + " after"},
		{"rounds", fmt.Sprint(o.Rounds)},
	}
	if o.Note != "" {
		rows = append(rows, []string{"note", o.Note})
	}
	return table(rows...)
}

// fileSystem is the kind of file system that a folder is on.
func fileSystem(ctx context.Context, dir string) string {
	lines := strings.Split(output(ctx, "df", "-PT", dir), "\n")
	if f := strings.Fields(lines[len(lines)-1]); len(f) > 1 {
		return f[1]
	}
	return unknown // not every df knows -T
}

const unknown = "unknown"

func commit(ctx context.Context, root string) string {
	id := output(ctx, "git", "-C", root, "rev-parse", "--short=12", "HEAD")
	if id == unknown {
		return id
	}
	if output(ctx, "git", "-C", root, "status", "--porcelain") != "" {
		id += ", with changes"
	}
	return id
}

func processor(ctx context.Context) string {
	if v := procValue("/proc/cpuinfo", "model name"); v != unknown {
		return v
	}
	return output(ctx, "sysctl", "-n", "machdep.cpu.brand_string")
}

func ram(ctx context.Context) string {
	if v, ok := kilobytes("/proc/meminfo", "MemTotal"); ok {
		return mb(float64(v))
	}
	if v, err := strconv.ParseInt(output(ctx, "sysctl", "-n", "hw.memsize"), 10, 64); err == nil {
		return mb(float64(v))
	}
	return unknown
}

func loadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(b)); err == nil && len(f) >= 3 {
		return strings.Join(f[:3], " ")
	}
	return strings.Trim(output(context.Background(), "sysctl", "-n", "vm.loadavg"), "{ }")
}

// residentMemory is the process's resident memory in bytes; 0 where the system
// has no /proc.
func residentMemory() int64 {
	v, _ := kilobytes("/proc/self/status", "VmRSS")
	return v
}

// peakMemory is the most that it has been.
func peakMemory() int64 {
	if v, ok := kilobytes("/proc/self/status", "VmHWM"); ok {
		return v
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss // bytes on macOS, where there is no /proc
}

// processorTime is what the process has used so far.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// processorTimes is what a process and all below it have used so far, in seconds, by
// the names of their programs. It is empty where there is no /proc.
func processorTimes(root int) map[string]float64 {
	const tick = 0.01 // of Linux, for user programs
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil // the pattern is right
	}
	parents, sums := map[int]int{}, map[string]float64{}
	used, names := map[int]float64{}, map[int]string{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
		if err != nil || open < 1 || end < open {
			continue // ended meanwhile
		}
		// pid (name) state parent ..., user and system time being the 14th and 15th
		f := strings.Fields(string(b[end+1:]))
		pid, _ := strconv.Atoi(strings.TrimSpace(string(b[:open])))
		parents[pid], _ = strconv.Atoi(f[1])
		names[pid] = string(b[open+1 : end])
		for _, ticks := range f[11:13] {
			n, _ := strconv.ParseFloat(ticks, 64)
			used[pid] += n * tick
		}
	}
	for pid := range used {
		for above := pid; above > 1; above = parents[above] {
			if above == root {
				sums[names[pid]] += used[pid]
				break
			}
		}
	}
	return sums
}

// kilobytes reads a line such as "VmRSS:  1234 kB" as bytes.
func kilobytes(path, name string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSuffix(procValue(path, name), " kB"), 10, 64)
	return n * 1024, err == nil
}

// procValue is what follows "name:" in a file of /proc.
func procValue(path, name string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return unknown
	}
	for line := range bytes.Lines(b) {
		key, value, ok := strings.Cut(string(line), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return unknown
}

func output(ctx context.Context, name string, args ...string) string {
	b, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return unknown
	}
	return strings.TrimSpace(string(b))
}

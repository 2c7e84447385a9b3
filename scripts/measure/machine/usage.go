package machine

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// LoadAverage returns the system's load averages over 1, 5 and 15 minutes.
func LoadAverage() string {
	b, err := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(b)); err == nil && len(f) >= 3 {
		return strings.Join(f[:3], " ")
	}
	return strings.Trim(output(context.Background(), "sysctl", "-n", "vm.loadavg"), "{ }")
}

// ResidentMemory returns this process's resident memory in bytes; 0 if the system has no /proc.
func ResidentMemory() int64 {
	v, _ := kilobytes("/proc/self/status", "VmRSS")
	return v
}

// PeakMemory returns the maximum of this process's resident memory in bytes.
func PeakMemory() int64 {
	if v, ok := kilobytes("/proc/self/status", "VmHWM"); ok {
		return v
	}
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return u.Maxrss // bytes on macOS, where there is no /proc
}

// ProcessorTime returns the processor time that this process has used so far.
func ProcessorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// Processors are the counters of all processors since the machine's start, in ticks.
type Processors struct {
	All   int64 // including idle time
	Idle  int64 // including waits for disks
	Steal int64 // while a hypervisor ran something else
}

// ErrNoCounters reports that the system has no counters of its processors.
var ErrNoCounters = errors.New("this system does not report stolen processor time (no /proc/stat)")

// ReadProcessors reads the counters; the error is [ErrNoCounters] if there are none.
func ReadProcessors() (Processors, error) {
	b, err := os.ReadFile("/proc/stat")
	if err != nil {
		return Processors{}, ErrNoCounters
	}
	line, _, _ := strings.Cut(string(b), "\n")
	return parseProcessors(line)
}

// parseProcessors reads the first line of /proc/stat, proc(5): "cpu user nice system idle
// iowait irq softirq steal guest guest_nice". The last two are part of the first two.
func parseProcessors(line string) (p Processors, err error) {
	fields := strings.Fields(line)
	const idle, ioWait, steal, guest = 4, 5, 8, 9
	if len(fields) < guest || fields[0] != "cpu" {
		return p, ErrNoCounters
	}
	for i, field := range fields[1:guest] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return p, ErrNoCounters
		}
		p.All += n
		switch i + 1 {
		case idle, ioWait:
			p.Idle += n
		case steal:
			p.Steal = n
		}
	}
	return p, nil
}

// StealSince returns the share of the processors' time used by other virtual machines since an
// earlier reading, from 0 to 1.
func (p Processors) StealSince(earlier Processors) float64 {
	if p.All <= earlier.All {
		return 0
	}
	return float64(p.Steal-earlier.Steal) / float64(p.All-earlier.All)
}

// BusySince returns the share of the processors' time used by any program or the kernel since an
// earlier reading, from 0 to 1.
func (p Processors) BusySince(earlier Processors) float64 {
	all := p.All - earlier.All
	if all <= 0 {
		return 0
	}
	idle := p.Idle - earlier.Idle + p.Steal - earlier.Steal // may be negative: the kernel may decrease idle time
	return max(0, min(1, 1-float64(idle)/float64(all)))
}

// kilobytes reads a line such as "VmRSS:  1234 kB" and returns it in bytes.
func kilobytes(path, name string) (int64, bool) {
	n, err := strconv.ParseInt(strings.TrimSuffix(procValue(path, name), " kB"), 10, 64)
	return n * 1024, err == nil
}

// procValue returns the text after "name:" in a file of /proc.
func procValue(path, name string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return Unknown
	}
	for line := range bytes.Lines(b) {
		key, value, ok := strings.Cut(string(line), ":")
		if ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return Unknown
}

// ProgramName returns this process's name as in [ProcessorTimes]; "" without /proc.
func ProgramName() string {
	b, _ := os.ReadFile("/proc/self/comm")
	return strings.TrimSpace(string(b))
}

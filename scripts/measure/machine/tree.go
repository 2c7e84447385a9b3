package machine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A process is one of those that run.
type process struct {
	pid, parent int
	name        string
	used        float64 // seconds of processor, of its ended children too
}

// tree returns a process and all below it; none where there is no /proc.
func tree(root int) (below []process) {
	const tick = 0.01 // of Linux, for user programs
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil // the pattern is right
	}
	all := map[int]process{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
		if err != nil || open < 1 || end < open {
			continue // ended meanwhile
		}
		// pid (name) state parent ..., user and system time being the 14th and 15th
		f := strings.Fields(string(b[end+1:]))
		p := process{name: string(b[open+1 : end])}
		p.pid, _ = strconv.Atoi(strings.TrimSpace(string(b[:open])))
		p.parent, _ = strconv.Atoi(f[1])
		for _, ticks := range f[11:15] {
			n, _ := strconv.ParseFloat(ticks, 64)
			p.used += n * tick
		}
		all[p.pid] = p
	}
	for pid, p := range all {
		for above := pid; above > 1; above = all[above].parent {
			if above == root {
				below = append(below, p)
				break
			}
		}
	}
	return below
}

// ProcessorTimes returns what a process and all below it have used so far, in seconds of
// processor to within 0.01 s each, by the names of their programs. A program has the time of its ended
// children too. It is empty where there is no /proc.
func ProcessorTimes(root int) map[string]float64 {
	sums := map[string]float64{}
	for _, p := range tree(root) {
		sums[p.name] += p.used
	}
	return sums
}

// DiskBytes returns the bytes that have been fetched from disks so far for the processes below
// root, for mapped files too, those of ended ones left out; 0 where the system does not count them.
func DiskBytes(root int) (sum int64) {
	for _, p := range tree(root) {
		if p.pid != root {
			n, _ := strconv.ParseInt(procValue(fmt.Sprintf("/proc/%d/io", p.pid), "read_bytes"), 10, 64)
			sum += n
		}
	}
	return sum
}

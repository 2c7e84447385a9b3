package machine

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A process is a running process.
type process struct {
	pid, parent int
	name        string
	used        float64 // processor seconds, including its ended children
}

// tree returns a process and all of its descendants; none without /proc.
func tree(root int) (below []process) {
	const tick = 0.01 // seconds, as reported by Linux to user programs
	paths, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		return nil // the pattern is valid
	}
	all := map[int]process{}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		open, end := bytes.IndexByte(b, '('), bytes.LastIndexByte(b, ')')
		if err != nil || open < 1 || end < open {
			continue // ended meanwhile
		}
		// pid (name) state parent ...; user and system time are the 14th and 15th field
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

// ProcessorTimes returns the processor seconds used so far by a process and all of its descendants,
// to within 0.01 s each, by the names of their programs. A program's time includes its ended
// children. The result is empty without /proc.
func ProcessorTimes(root int) map[string]float64 {
	sums := map[string]float64{}
	for _, p := range tree(root) {
		sums[p.name] += p.used
	}
	return sums
}

// DiskBytes returns the bytes read from disks so far by the running descendants of root, including
// mapped files; 0 if the system does not count them.
func DiskBytes(root int) (sum int64) {
	for _, p := range tree(root) {
		if p.pid != root {
			n, _ := strconv.ParseInt(procValue(fmt.Sprintf("/proc/%d/io", p.pid), "read_bytes"), 10, 64)
			sum += n
		}
	}
	return sum
}

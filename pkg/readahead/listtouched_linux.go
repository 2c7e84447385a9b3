package readahead

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ListTouched lists the parts of the files in a folder that this process has mapped into its memory
// and read or executed so far (touched). They include the pages that the kernel maps together with a
// touched page, up to 64 KiB around it.
func ListTouched(dir string) (List, error) {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return List{}, err
	}
	mappings, err := os.Open("/proc/self/maps")
	if err != nil {
		return List{}, err
	}
	defer mappings.Close()
	table, err := os.Open("/proc/self/pagemap")
	if err != nil {
		return List{}, err
	}
	defer table.Close()
	ranges := map[string][][2]int64{}
	lines := bufio.NewScanner(mappings)
	for lines.Scan() {
		m, err := parseMapping(lines.Text())
		if err != nil {
			return List{}, err
		}
		if filepath.Dir(m.file) != dir {
			continue
		}
		touched, err := m.touched(table)
		if err != nil {
			return List{}, fmt.Errorf("/proc/self/pagemap: %w", err)
		}
		name := filepath.Base(m.file)
		ranges[name] = append(ranges[name], touched...)
	}
	var list List
	for _, name := range slices.Sorted(maps.Keys(ranges)) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			return List{}, err
		}
		list.Files = append(list.Files, File{name, info.Size(), join(ranges[name], info.Size())})
	}
	return list, lines.Err()
}

// A mapping is a line of /proc/self/maps:
//
//	7f0e2c000000-7f0e2c200000 r-xp 00280000 fe:00 1234   /usr/lib/libc.so.6
type mapping struct {
	from, to uint64
	offset   int64
	file     string // "" if no file is mapped
}

func parseMapping(line string) (m mapping, err error) {
	f := strings.Fields(line)
	if len(f) < 5 {
		return m, fmt.Errorf("/proc/self/maps: %q", line)
	}
	from, to, _ := strings.Cut(f[0], "-")
	var errs [3]error
	m.from, errs[0] = strconv.ParseUint(from, 16, 64)
	m.to, errs[1] = strconv.ParseUint(to, 16, 64)
	m.offset, errs[2] = strconv.ParseInt(f[2], 16, 64)
	if i := strings.IndexByte(line, '/'); i >= 0 {
		m.file = line[i:]
	}
	return m, errors.Join(errs[:]...)
}

// touched returns the ranges of the mapped file that are in this process's page table.
func (m mapping) touched(table io.ReaderAt) (ranges [][2]int64, err error) {
	page := int64(os.Getpagesize())
	const entry, present, swapped = 8, 1 << 63, 1 << 62
	entries := make([]byte, int64(m.to-m.from)/page*entry)                             //nolint:gosec // an address space's part
	if _, err := table.ReadAt(entries, int64(m.from/uint64(page))*entry); err != nil { //nolint:gosec // likewise
		return nil, err
	}
	for i := range int64(len(entries) / entry) {
		if binary.NativeEndian.Uint64(entries[i*entry:])&(present|swapped) != 0 {
			ranges = append(ranges, [2]int64{m.offset + i*page, page})
		}
	}
	return ranges, nil
}

// join sorts the ranges of a file of this size and merges those that touch or overlap.
func join(ranges [][2]int64, size int64) (joined [][2]int64) {
	slices.SortFunc(ranges, func(a, b [2]int64) int { return int(a[0] - b[0]) })
	for _, r := range ranges {
		from, to := r[0], min(r[0]+r[1], size)
		if n := len(joined); n > 0 && from <= joined[n-1][0]+joined[n-1][1] {
			last := &joined[n-1]
			last[1] = max(last[1], to-last[0])
		} else if from < to {
			joined = append(joined, [2]int64{from, to - from})
		}
	}
	return joined
}

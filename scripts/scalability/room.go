//go:build linux

package main

import (
	"fmt"
	"math"

	"golang.org/x/sys/unix"
)

// need returns how many inodes and bytes one copy takes on a disk. share is the number of copies that share the files
// of their pictures.
func (t *template) need(share int) (inodes, bytes float64) {
	const block, name = 4096, 100 // bytes of a block, and about the bytes of a name in a folder
	inodes, bytes = 1, block      // the job's folder
	for n, f := range t.files {
		bytes += name
		if f.sameAs != n {
			continue
		}
		size := 0
		for _, p := range f.parts {
			if size += len(p.text); p.id {
				size += len(t.id)
			}
		}
		part := 1.0
		if f.fixed {
			part = 1 / float64(share)
		}
		inodes += part
		bytes += part * block * math.Ceil(float64(size)/block)
	}
	return inodes, bytes
}

// room returns an error if the jobs that are missing don't fit on the disk.
func (g *generated) room(t *template) error {
	const usable = 0.95
	var st unix.Statfs_t
	if err := unix.Statfs(g.dir, &st); err != nil {
		return fmt.Errorf("read how much room %s has: %w", g.dir, err)
	}
	inodes, bytes := t.need(g.Share)
	free, freeInodes := float64(st.Bavail)*float64(st.Bsize), float64(st.Ffree)
	if st.Files == 0 { // the file system has no limit
		freeInodes = math.Inf(1)
	}
	missing := float64(g.Jobs - g.Done)
	if fit := usable * min(free/bytes, freeInodes/inodes); missing > fit {
		return fmt.Errorf("%s more jobs need %.3g million inodes and %.3g GB in %s, where %.3g million and %.3g GB are free: use --share 100, another --dir, or --jobs %d at most",
			number(g.Jobs-g.Done), missing*inodes/1e6, missing*bytes/1e9, g.dir, freeInodes/1e6, free/1e9, g.Done+int(fit))
	}
	return nil
}

//go:build !linux

package main

import "os"

// canEvict: only Linux lets a user take files out of the page cache and see that
// they are.
const canEvict = false

type files struct{ bytes int64 }

func openFiles(paths []string) (*files, error) {
	f := &files{}
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		f.bytes += info.Size()
	}
	return f, nil
}

func (f *files) evict() error           { return nil }
func (f *files) cached() (int64, error) { return f.bytes, nil }

package pagecache

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// CanEvict is whether files can be removed from this system's page cache.
const CanEvict = true

// Files are open files whose pages in the page cache can be counted and removed.
type Files struct {
	paths []string
	Bytes int64 // total size
}

// Open opens the regular files among the paths. Links and folders are left out.
func Open(paths []string) (*Files, error) {
	f := &Files{}
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			return nil, err
		}
		if info.Mode().IsRegular() { // the targets of links are among the paths
			f.paths = append(f.paths, path)
			f.Bytes += info.Size()
		}
	}
	return f, nil
}

// Evict removes the files from the page cache, except pages that other processes have mapped.
func (f *Files) Evict() error {
	for _, path := range f.paths {
		err := withFile(path, func(file *os.File, _ int64) error {
			return unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Cached returns the number of bytes of the files in the page cache.
func (f *Files) Cached() (sum int64, err error) {
	for _, path := range f.paths {
		err := withFile(path, func(file *os.File, size int64) error {
			n, err := resident(file, size)
			sum += n
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return sum, nil
}

func withFile(path string, do func(*os.File, int64) error) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || info.Size() == 0 {
		return err
	}
	return do(file, info.Size())
}

// resident uses mincore(2). The kernel reports the truth only for files that the user owns or may
// write, and reports others as completely cached.
func resident(file *os.File, size int64) (int64, error) {
	b, err := unix.Mmap(int(file.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, fmt.Errorf("map %s: %w", file.Name(), err)
	}
	defer func() { _ = unix.Munmap(b) }() // cannot fail, because it was just mapped
	page := int64(os.Getpagesize())
	in := make([]byte, (size+page-1)/page)
	if _, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), uintptr(unsafe.Pointer(&in[0]))); errno != 0 {
		return 0, fmt.Errorf("mincore %s: %w", file.Name(), errno)
	}
	pages := int64(0)
	for _, x := range in {
		pages += int64(x & 1)
	}
	return min(pages*page, size), nil
}

package readahead

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Start asks the kernel to read the files at path, and does not wait for them. A program that
// reaches a page before it was read waits for that page only. path is either a list of files in its
// own folder, or a folder, all of whose files are requested. At most limit bytes are requested.
// Requests for pages that are in the page cache already cost almost nothing.
//
// It returns how many bytes were requested, also with an error. An error means that some files are
// not read ahead; it can be ignored.
func Start(path string, limit int64) (asked int64, err error) {
	f, err := os.OpenFile(path, openFlags, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	var list List
	dir := path
	switch {
	case info.Mode().IsRegular():
		dir = filepath.Dir(path)
		if list, err = load(f); err != nil {
			return 0, err
		}
	case !info.IsDir():
		return 0, fmt.Errorf("%s is neither a list nor a folder", path)
	}
	root, err := os.OpenRoot(dir) // so that nothing outside of it is opened, even through links
	if err != nil {
		return 0, err
	}
	defer root.Close()
	if info.IsDir() {
		if list, err = folder(root); err != nil {
			return 0, err
		}
	}
	var errs []error
	for _, file := range list.Files {
		n, err := file.start(root, limit-asked)
		asked += n
		if errors.Is(err, errLimit) {
			return asked, errors.Join(append(errs, err)...)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", path, err))
		}
	}
	return asked, errors.Join(errs...)
}

var errLimit = errors.New("the rest would take too much memory")

func (l File) start(root *os.Root, limit int64) (asked int64, err error) {
	f, err := root.OpenFile(l.Name, openFlags, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	if !info.Mode().IsRegular() || info.Size() != l.Size {
		return 0, fmt.Errorf("%s is not the file that is in the list, which had %d bytes: make the list again", l.Name, l.Size)
	}
	step := stepOf(f)
	for _, r := range l.Ranges {
		from, length := r[0], r[1]
		if from < 0 || length < 0 || from > l.Size || length > l.Size-from {
			return asked, fmt.Errorf("%s has no %d bytes at offset %d", l.Name, length, from)
		}
		for end := from + length; from < end; {
			next := min(end, from-from%step+step) // aligns the requests to the file server
			if next-from > limit-asked {
				return asked, errLimit
			}
			if err := unix.Fadvise(int(f.Fd()), from, next-from, unix.FADV_WILLNEED); err != nil {
				return asked, fmt.Errorf("%s: %w", l.Name, err)
			}
			asked += next - from
			from = next
		}
	}
	return asked, nil
}

// stepOf returns how many bytes of a file the kernel reads ahead per request; it ignores the rest.
// On NFS that is the size of a call, which is reported as the block size, on disks the kernel's own
// read-ahead, by default 128 KiB.
func stepOf(f *os.File) int64 {
	var s unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &s); err != nil {
		return minStep
	}
	return min(max(int64(s.Blksize), minStep), maxStep) //nolint:unconvert // its width depends on the platform
}

const (
	minStep = 128 << 10
	maxStep = 1 << 20
)

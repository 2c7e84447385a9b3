package pagecache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// EvictAll removes the files below a folder from the page cache, and also cached names and
// attributes, which requires root. It returns an error if a file stays.
func EvictAll(dir string) error {
	var paths []string
	err := filepath.WalkDir(dir, func(path string, _ os.DirEntry, err error) error {
		paths = append(paths, path)
		return err
	})
	if err != nil {
		return err
	}
	f, err := Open(paths)
	if err != nil {
		return err
	}
	if err := f.Evict(); err != nil {
		return err
	}
	if cached, err := f.Cached(); err != nil || cached > 0 {
		return errors.Join(err, fmt.Errorf("%d bytes of %s stayed in the page cache", cached, dir))
	}
	return os.WriteFile("/proc/sys/vm/drop_caches", []byte("2"), 0)
}

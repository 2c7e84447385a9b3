package pagecache

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// EvictAll takes the files below a folder out of the page cache, and forgets what is
// known of names and attributes, which takes root. What stays is an error.
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

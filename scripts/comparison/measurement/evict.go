package measurement

import (
	"os"
	"path/filepath"

	"github.com/atelier-go/atelier/scripts/measure/machine"
	"github.com/atelier-go/atelier/scripts/measure/pagecache"
)

// startFiles returns the files that a start of the worker function reads: program, engine and
// model.
func (p Programs) startFiles(engine string) (*pagecache.Files, error) {
	model := []string{"saved_model.pb", "variables/*", "styles.json"}
	if engine == ONNX {
		model = []string{"*.onnx", "styles.json"}
	}
	patterns := []string{p.program("worker-lambda", engine), filepath.Join(p.library(engine), "lib", "*")}
	for _, name := range model {
		patterns = append(patterns, filepath.Join(p.Model, name))
	}
	var all []string
	for _, pattern := range patterns {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		all = append(all, found...)
	}
	return pagecache.Open(all)
}

// evict removes the files that a start reads from the page cache. It returns their size in bytes,
// and how many bytes stayed because another process has them mapped.
func (p Programs) evict(engine string) (bytes, stayed int64, err error) {
	if !pagecache.CanEvict {
		return 0, 0, &UnavailableError{"files can't be removed from this system's page cache"}
	}
	files, err := p.startFiles(engine)
	if err != nil {
		return 0, 0, err
	}
	if err := files.Evict(); err != nil {
		return 0, 0, err
	}
	stayed, err = files.Cached()
	return files.Bytes, stayed, err
}

// diskBytes returns the bytes that the function's processes have read from disks so far; 0 for a
// variant whose files are cached in memory.
func (v Variant) diskBytes() int64 {
	if !v.Evicted {
		return 0
	}
	return machine.DiskBytes(os.Getpid())
}

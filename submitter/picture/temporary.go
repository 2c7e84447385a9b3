package picture

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// A result is first written to a temporary file in the same folder, which is then renamed. The name
// of the temporary file is ".", the beginning of the result's name, ".", 8 hexadecimal digits, and
// temporaryEnding.
const temporaryEnding = ".part"

func temporaryPrefix(path string) string { return "." + truncate(filepath.Base(path), 100) + "." }

func createTemporary(path string) (*os.File, error) {
	for {
		name := fmt.Sprintf("%s%08x%s", temporaryPrefix(path), rand.Uint32(), temporaryEnding)
		// Not os.CreateTemp, whose files are private: results have the permissions of other new files.
		f, err := os.OpenFile(filepath.Join(filepath.Dir(path), name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if p, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("can't write to the folder %s: %w", filepath.Dir(path), p.Err)
		}
		return f, err
	}
}

// CheckWritable returns an error if no file can be created in the folder of path.
func CheckWritable(path string) error {
	probe, err := createTemporary(path)
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// RemoveTemporary removes the temporary files that a killed process has left for the results with
// these paths. It ignores errors, because such files do no harm.
func RemoveTemporary(paths []string) {
	prefixes := map[string]map[string]bool{} // by folder
	for _, path := range paths {
		folder := filepath.Dir(path)
		if prefixes[folder] == nil {
			prefixes[folder] = map[string]bool{}
		}
		prefixes[folder][temporaryPrefix(path)] = true
	}
	for folder, ours := range prefixes {
		entries, _ := os.ReadDir(folder) // an unreadable folder is reported when it is written to
		for _, e := range entries {
			stem, ok := strings.CutSuffix(e.Name(), temporaryEnding)
			if ok && len(stem) > 8 && ours[stem[:len(stem)-8]] {
				_ = os.Remove(filepath.Join(folder, e.Name()))
			}
		}
	}
}

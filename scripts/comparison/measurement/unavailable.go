package measurement

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// UnavailableFile is the file in an output folder that [Unavailable] reads.
const UnavailableFile = "unavailable.json"

// Unavailable returns, by variant name, why variants could not be measured when an output folder's
// runs were last made.
func Unavailable(dir string) (map[string]string, error) {
	reasons := map[string]string{}
	path := filepath.Join(dir, UnavailableFile)
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return reasons, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(b, &reasons); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w. Remove it, and the next start makes it again", path, err)
	}
	return reasons, nil
}

// setUnavailable stores why a variant could not be measured; "" if it could.
func (f *Folder) setUnavailable(name, reason string) error {
	if f.unavailable[name] == reason {
		return nil
	}
	if f.unavailable[name] = reason; reason == "" {
		delete(f.unavailable, name)
	}
	return replace(filepath.Join(f.dir, UnavailableFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(f.unavailable)
	})
}

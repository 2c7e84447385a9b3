package model

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// ShippedName is the name, in styles.json, of the model that comes with the project.
const ShippedName = "atelier-5"

// shippedSums are the SHA-256 sums of that model's files, in the format of sha256sum.
//
//go:embed atelier/SHA256SUMS
var shippedSums string

// A Folder reads the files of a model for an [Engine]. It opens regular files inside of the folder
// only, and follows no link out of it. It records the files' SHA-256 sums, from which the model's
// own sum is computed. If the model has the name of the shipped one, it compares them with the
// shipped sums.
type Folder struct {
	root *os.Root
	sums map[string]string // hexadecimal, by the file's name
	want map[string]string // sums of the shipped model, if the folder has its name; else nil
}

// Has reports whether the folder has an entry of that name.
func (f *Folder) Has(name string) bool {
	_, err := f.root.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// Read returns the contents of a file of at most limit bytes. If it does not exist, the error wraps
// fs.ErrNotExist.
func (f *Folder) Read(name string, limit int64) ([]byte, error) {
	file, size, err := f.open(name, limit)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	b := make([]byte, size)
	if _, err := io.ReadFull(file, b); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(b)
	return b, f.record(name, sum[:])
}

// Hash records the sum of a file that the library of the engine will read itself.
func (f *Folder) Hash(name string, limit int64) error {
	file, _, err := f.open(name, limit)
	if err != nil {
		return err
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		return err
	}
	return f.record(name, hash.Sum(nil))
}

// HashAll calls Hash for all files in a subfolder: at most count files, of at most limit bytes in
// total. The subfolder may be missing.
func (f *Folder) HashAll(sub string, count int, limit int64) error {
	dir, err := f.root.Open(sub)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return f.explainLink(sub, err)
	}
	defer dir.Close()
	names, err := dir.Readdirnames(count + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if len(names) > count {
		return fmt.Errorf("%s has more than %d files", sub, count)
	}
	slices.Sort(names)
	left := limit
	for i, name := range names {
		names[i] = sub + "/" + name
		// Hash reports the error if Stat fails.
		if info, err := f.root.Stat(names[i]); err == nil {
			left -= info.Size()
		}
		if left < 0 {
			return fmt.Errorf("%s has more than %d bytes", sub, limit)
		}
	}
	for _, name := range names {
		if err := f.Hash(name, limit); err != nil {
			return err
		}
	}
	return nil
}

func (f *Folder) open(name string, limit int64) (*os.File, int64, error) {
	// Stat comes first, because opening a pipe would wait for its other end.
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, 0, f.explainLink(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is not a regular file", name)
	}
	if info.Size() > limit {
		return nil, 0, fmt.Errorf("%s has %d bytes, at most %d are accepted", name, info.Size(), limit)
	}
	file, err := f.root.Open(name)
	return file, info.Size(), err
}

// explainLink adds to err what the user can do if name is a link that leads out of the folder: such
// a file exists, but can't be opened.
func (f *Folder) explainLink(name string, err error) error {
	if _, there := os.Stat(filepath.Join(f.root.Name(), name)); there != nil {
		return err
	}
	return fmt.Errorf("%s must be inside of the model's folder: copy the folder with its links followed (cp -rL): %w", name, err)
}

func (f *Folder) record(name string, sum []byte) error {
	f.sums[name] = hex.EncodeToString(sum)
	if f.want != nil && f.want[name] != f.sums[name] {
		return fmt.Errorf("styles.json names the model %s, which comes with this program, but %s is not that model's: "+
			"the copy is damaged, was changed, or is of another version; copy model/atelier again, or give the model another name in styles.json",
			ShippedName, name)
	}
	return nil
}

// requireSums makes the folder require the shipped sums of its files if name is that of the shipped
// model.
func (f *Folder) requireSums(name string) error {
	if name != ShippedName {
		return nil
	}
	f.want = parseSums(shippedSums)
	for name, sum := range f.sums { // of files that were read before the name was known
		b, err := hex.DecodeString(sum)
		if err == nil {
			err = f.record(name, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parseSums parses the output of sha256sum, and returns the sums by file name.
func parseSums(list string) map[string]string {
	sums := make(map[string]string)
	for line := range strings.Lines(list) {
		if sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok {
			sums[name] = sum
		}
	}
	return sums
}

// digest returns the model's own sum: the SHA-256 of what sha256sum would print for the files that
// were read, sorted by name.
func (f *Folder) digest() string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f.sums)) {
		fmt.Fprintf(hash, "%s  %s\n", f.sums[name], name)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

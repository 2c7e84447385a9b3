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

// ShippedName is what the styles.json of the model that comes with the project calls it.
const ShippedName = "atelier-5"

// shippedSums are the SHA-256 of that model's files, as sha256sum writes them.
//
//go:embed atelier/SHA256SUMS
var shippedSums string

// A Folder reads a model's files, for an [Engine]: regular files inside of the folder
// alone, wherever symbolic links lead. It keeps their SHA-256, of which the model's is
// made, and compares them with the shipped model's where the folder claims to be that.
type Folder struct {
	root *os.Root
	sums map[string]string // hexadecimal, by the file's name
	want map[string]string // those of the model that the folder claims to be; nil: another
}

// Has says whether there is something of that name.
func (f *Folder) Has(name string) bool {
	_, err := f.root.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// Read returns what is in a file of at most limit bytes. An error that is
// fs.ErrNotExist says that there is none.
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
	return b, f.note(name, sum[:])
}

// Hash reads a file that the engine's library will read by itself.
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
	return f.note(name, hash.Sum(nil))
}

// HashAll is Hash for whatever is in a folder within this one: at most count files, of at
// most limit bytes together. There may be no such folder.
func (f *Folder) HashAll(sub string, count int, limit int64) error {
	dir, err := f.root.Open(sub)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return f.inside(sub, err)
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
		// What can't be told of a file, Hash says.
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
	// Asked before it is opened: opening a pipe waits for its other end.
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, 0, f.inside(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fmt.Errorf("%s is no regular file", name)
	}
	if info.Size() > limit {
		return nil, 0, fmt.Errorf("%s has %d bytes, at most %d are accepted", name, info.Size(), limit)
	}
	file, err := f.root.Open(name)
	return file, info.Size(), err
}

// inside says what to do about a link that leads out of the folder: what is there, but
// not for root.
func (f *Folder) inside(name string, err error) error {
	if _, there := os.Stat(filepath.Join(f.root.Name(), name)); there != nil {
		return err
	}
	return fmt.Errorf("%s must be inside of the model's folder: copy the folder with its links followed (cp -rL): %w", name, err)
}

func (f *Folder) note(name string, sum []byte) error {
	f.sums[name] = hex.EncodeToString(sum)
	if f.want != nil && f.want[name] != f.sums[name] {
		return fmt.Errorf("styles.json says that this is %s, the model that comes with this program, but %s is not that model's: "+
			"the copy is damaged, was changed, or is of another version; copy model/atelier again, or name the model otherwise in styles.json",
			ShippedName, name)
	}
	return nil
}

// claims sets what the folder's files must be, by the name of its model.
func (f *Folder) claims(name string) error {
	if name != ShippedName {
		return nil
	}
	f.want = sumsOf(shippedSums)
	for name, sum := range f.sums { // read before the name was known
		b, err := hex.DecodeString(sum)
		if err == nil {
			err = f.note(name, b)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sumsOf reads what sha256sum has written.
func sumsOf(list string) map[string]string {
	sums := make(map[string]string)
	for line := range strings.Lines(list) {
		if sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok {
			sums[name] = sum
		}
	}
	return sums
}

// digest is the SHA-256 of what sha256sum writes of the files that were read, in the
// order of their names.
func (f *Folder) digest() string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(f.sums)) {
		fmt.Fprintf(hash, "%s  %s\n", f.sums[name], name)
	}
	return hex.EncodeToString(hash.Sum(nil))
}

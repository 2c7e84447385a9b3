package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/atelier-go/atelier/pkg/job"
)

// A destination is where a result goes.
type destination struct {
	path  string // "" is standard output
	force bool   // replace a file that is there
}

// newDestination reads -o: a file, a folder in which the file is to be called
// name, or "-". What would refuse the result is found now, before anything is
// sent or waited for; with fs.ErrExist, which a file is that is there already,
// the destination is answered too.
func (a *app) newDestination(out, name string, force bool) (*destination, error) {
	if out == "-" {
		switch {
		case a.JSON:
			return nil, faultf(errUsage, "-o - and --json would both write to standard output")
		case isTerminal(a.stdout):
			return nil, faultf(errUsage, "-o - would write a picture to the terminal: redirect standard output, or name a file")
		}
		return &destination{}, nil
	}
	d := &destination{path: out, force: force}
	if isFolder(out) {
		d.path = filepath.Join(out, name)
		if err := makeFolder(out); err != nil {
			return d, err
		}
	}
	if err := d.check(); err != nil {
		return d, err
	}
	probe, err := d.create()
	if err != nil {
		return nil, err
	}
	return d, errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// isFolder also holds for a folder that isn't there, if it is written as one.
func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir() || strings.HasSuffix(path, string(filepath.Separator))
}

// makeFolder makes a folder for results, if it isn't there.
func makeFolder(name string) error {
	if err := os.MkdirAll(name, 0o777); err != nil {
		return fmt.Errorf("make a folder for results: %w", err)
	}
	return nil
}

func (d *destination) check() error {
	folder := filepath.Dir(d.path)
	if info, err := os.Stat(folder); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return fmt.Errorf("there is no folder %s: make it first", folder)
	}
	info, err := os.Lstat(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case !d.force:
		return d.exists()
	case !info.Mode().IsRegular() && info.Mode().Type() != fs.ModeSymlink:
		return fmt.Errorf("%s is no file that could be replaced; -o - writes to standard output", d.path)
	}
	return nil
}

func (d *destination) exists() error {
	return fmt.Errorf("%s exists already; --force replaces it%w", d.path, silent{fs.ErrExist})
}

// holds says that the result, where there is one, is there already.
func (d *destination) holds(r *job.Result) bool {
	if r == nil || d.path == "" {
		return false
	}
	if info, err := os.Stat(d.path); err != nil || !info.Mode().IsRegular() || info.Size() != r.Bytes {
		return false
	}
	f, err := os.Open(d.path)
	if err != nil {
		return false
	}
	defer f.Close()
	hash := sha256.New()
	_, err = io.Copy(hash, f)
	return err == nil && hex.EncodeToString(hash.Sum(nil)) == r.SHA256
}

// A temporary file is called after the file that it will be.
const partEnding = ".part"

func partPrefix(path string) string { return "." + short(filepath.Base(path), 100) + "." }

// removeParts removes the temporary files of destinations, which a process has
// left that was killed.
func removeParts(destinations []string) {
	prefixes := map[string]map[string]bool{} // by folder
	for _, name := range destinations {
		folder := filepath.Dir(name)
		if prefixes[folder] == nil {
			prefixes[folder] = map[string]bool{}
		}
		prefixes[folder][partPrefix(name)] = true
	}
	for folder, ours := range prefixes {
		entries, _ := os.ReadDir(folder) // what can't be read is found when it is written to
		for _, e := range entries {
			stem, ok := strings.CutSuffix(e.Name(), partEnding)
			if ok && len(stem) > 8 && ours[stem[:len(stem)-8]] {
				_ = os.Remove(filepath.Join(folder, e.Name())) // a leftover does no harm
			}
		}
	}
}

// create makes the temporary file, beside the target so that it can be renamed.
func (d *destination) create() (*os.File, error) {
	for {
		name := fmt.Sprintf("%s%08x%s", partPrefix(d.path), rand.Uint32(), partEnding)
		// Not os.CreateTemp, whose files are private: results are as other new files.
		f, err := os.OpenFile(filepath.Join(filepath.Dir(d.path), name), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if p := (*fs.PathError)(nil); errors.As(err, &p) {
			err = fmt.Errorf("can't write to the folder %s: %w", filepath.Dir(d.path), p.Err)
		}
		return f, err
	}
}

// put writes what fill makes to the destination, whole or not at all.
func (d *destination) put(stdout io.Writer, fill func(*os.File) error) error {
	if d.path == "" {
		return putStdout(stdout, fill)
	}
	tmp, err := d.create()
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already if it was renamed
	if err = fill(tmp); err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := d.check(); err != nil { // it may have appeared meanwhile
		return err
	}
	if d.force {
		return os.Rename(tmp.Name(), d.path)
	}
	// A link, unlike a rename, replaces nothing. Where the file system has no
	// links the check above has to do.
	err = os.Link(tmp.Name(), d.path)
	switch {
	case errors.Is(err, fs.ErrExist):
		return d.exists()
	case err != nil:
		return os.Rename(tmp.Name(), d.path)
	}
	return nil
}

// putStdout holds the picture back until all of it is there and right.
func putStdout(stdout io.Writer, fill func(*os.File) error) error {
	tmp, err := unnamedFile()
	if err != nil {
		return err
	}
	defer tmp.Close()
	if err := fill(tmp); err != nil {
		return err
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := io.Copy(stdout, tmp); err != nil {
		return fmt.Errorf("write to standard output: %w", err)
	}
	return nil
}

// extension is how files of a format are called; "" for one that is not known.
func extension(format string) string {
	switch format {
	case "jpeg":
		return ".jpg"
	case "png", "webp":
		return "." + format
	}
	return ""
}

// sniffed is how many bytes of a file pictureFormat looks at.
const sniffed = 512

// pictureFormat is the format of a picture that begins so, jpeg, png, webp or gif; "" for
// anything else.
func pictureFormat(head []byte) string {
	format, ok := strings.CutPrefix(http.DetectContentType(head), "image/")
	if ok && slices.Contains([]string{"jpeg", "png", "webp", "gif"}, format) {
		return format
	}
	return ""
}

// formatOf is the format that a file name asks for; "" where it asks for none.
func formatOf(path string) string {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".jpg", ".jpeg":
		return "jpeg"
	case ".png", ".webp":
		return ext[1:]
	}
	return ""
}

// fileName leaves of s what is safe in a file's name anywhere.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, s)
}

// longestName is how many bytes a file's name can have about everywhere.
const longestName = 255

// short is the beginning of a name, of so many bytes at most, without a part of a
// character at its end.
func short(name string, most int) string {
	most = max(most, 1)
	if len(name) <= most {
		return name
	}
	for range utf8.UTFMax - 1 { // a name need not be UTF-8
		if most > 1 && !utf8.RuneStart(name[most]) {
			most--
		}
	}
	return name[:most]
}

package batch

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/atelier-go/atelier/submitter/picture"
)

// An Input is a picture of a batch.
type Input struct {
	Name   Path   `json:"input"`            // as it was given
	Result Path   `json:"result,omitempty"` // the file that the result goes to; "" if it goes to none
	below  string // the part of Name below the given folder
}

// Gathered is what [Gather] has found.
type Gathered struct {
	Inputs  []*Input // each picture once, in the order of the arguments, and by name within a folder
	Errors  []error  // of folders that can't be read
	Skipped int      // files in folders that are not pictures

	recursive bool
	results   os.FileInfo // the folder of results, which is skipped; nil if there is none
	seen      map[string]bool
}

// Gather finds the pictures for a list of names. A name of a file stands for that file, which is
// not checked; a name of a folder stands for the visible pictures in it. If recursive is set,
// folders in folders are searched too, except the folder results, to which results are written; it
// may be "". Links to files are followed. Links to folders are not, because they may lead in
// circles. If ctx ends, the error is its cause.
func Gather(ctx context.Context, names []string, recursive bool, results string) (*Gathered, error) {
	g := &Gathered{recursive: recursive, seen: map[string]bool{}}
	if info, err := os.Stat(results); err == nil {
		g.results = info
	}
	for _, name := range names {
		if info, err := os.Stat(name); name == picture.Stdin || err != nil || !info.IsDir() {
			g.add(name, filepath.Base(name)) // an error is reported when it is sent
			continue
		}
		if err := g.addFolder(ctx, name); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func (g *Gathered) add(name, below string) {
	key := name
	if absolute, err := filepath.Abs(name); err == nil && name != picture.Stdin {
		key = absolute
	}
	if !g.seen[key] {
		g.Inputs = append(g.Inputs, &Input{Name: Path(name), below: below})
	}
	g.seen[key] = true
}

func (g *Gathered) addFolder(ctx context.Context, root string) error {
	return fs.WalkDir(os.DirFS(root), ".", func(below string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		name := filepath.Join(root, filepath.FromSlash(below))
		if err != nil {
			g.Errors = append(g.Errors, fmt.Errorf("the folder %s can't be read: %w", name, errors.Unwrap(err)))
			return nil
		}
		switch {
		case below == ".":
			return nil
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || !g.recursive || g.isResults(d)):
			return fs.SkipDir
		case d.IsDir() || strings.HasPrefix(d.Name(), "."):
			return nil
		}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			return nil
		}
		if picture.Is(name) {
			g.add(name, filepath.FromSlash(below))
		} else {
			g.Skipped++
		}
		return nil
	})
}

func (g *Gathered) isResults(d fs.DirEntry) bool {
	info, err := d.Info()
	return err == nil && g.results != nil && os.SameFile(info, g.results)
}

// A Path is the name of a file. It may contain bytes that are not UTF-8, and they survive its
// encoding as JSON.
type Path string

// MarshalText implements [encoding.TextMarshaler] without loss of any byte.
func (p Path) MarshalText() ([]byte, error) { return []byte(strconv.Quote(string(p))), nil }

// UnmarshalText implements [encoding.TextUnmarshaler]: it reverses MarshalText.
func (p *Path) UnmarshalText(b []byte) error {
	s, err := strconv.Unquote(string(b))
	*p = Path(s)
	return err
}

// MaxPath is the largest length, in bytes, of a path in a journal.
const MaxPath = 64 << 10

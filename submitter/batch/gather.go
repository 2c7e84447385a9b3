package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// An input is a picture of a batch.
type input struct {
	Name   path   `json:"input"`            // as the user calls it
	Result path   `json:"result,omitempty"` // the file that its result goes to, if it goes to one
	below  string // what of Name is below the folder that was named
}

// A gatherer finds the pictures that are meant by files and folders.
type gatherer struct {
	recursive bool
	results   os.FileInfo // the folder of results, whose pictures aren't meant; nil if there is none

	inputs   []*input
	troubles []error // with folders that can't be read
	others   int     // files in folders that are no pictures
	seen     map[string]bool
}

// gather finds the pictures of a batch, each once, in the order of the arguments
// and by name within a folder.
func (cmd *submitCommand) gather(ctx context.Context, a *app) (*gatherer, error) {
	g := &gatherer{recursive: cmd.Recursive, seen: map[string]bool{}}
	if info, err := os.Stat(cmd.Out); err == nil {
		g.results = info
	}
	listed, err := cmd.listed(ctx, a)
	if err != nil {
		return nil, err
	}
	for _, name := range append(cmd.Photos, listed...) {
		if info, err := os.Stat(name); name == "-" || err != nil || !info.IsDir() {
			g.add(name, filepath.Base(name)) // what is wrong with it is found when it is sent
			continue
		}
		if err := g.folder(ctx, name); err != nil {
			return nil, err
		}
	}
	return g, nil
}

// listed reads the list of --files-from.
func (cmd *submitCommand) listed(ctx context.Context, a *app) ([]string, error) {
	if cmd.FilesFrom == "" {
		return nil, nil
	}
	end, how := byte('\n'), "put a file or folder on each line"
	if cmd.Null {
		end, how = 0, "put a NUL at the end of each file or folder"
	}
	from, r, err := cmd.openList(a)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	list, err := names(ctx, from, r, end)
	if err == nil && len(list)+len(cmd.Photos) == 0 {
		err = fmt.Errorf("%s has no names, and nothing was sent: %s", from, how)
	}
	return list, err
}

// openList opens the list of --files-from, and says what it is called.
func (cmd *submitCommand) openList(a *app) (string, io.ReadCloser, error) {
	if cmd.FilesFrom == "-" {
		if isTerminal(a.stdin) {
			return "", nil, faultf(errUsage, "standard input is a terminal: pipe a list of files into it, or name a file")
		}
		return "standard input", io.NopCloser(a.stdin), nil
	}
	f, err := os.Open(cmd.FilesFrom)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%s: there is no such file with a list of pictures", cmd.FilesFrom)
	}
	return cmd.FilesFrom, f, err
}

func (g *gatherer) add(name, below string) {
	key := name
	if absolute, err := filepath.Abs(name); err == nil && name != "-" {
		key = absolute
	}
	if !g.seen[key] {
		g.inputs = append(g.inputs, &input{Name: path(name), below: below})
	}
	g.seen[key] = true
}

// folder adds the pictures of a folder. Links to files are followed, links to
// folders are not: they may lead in circles.
func (g *gatherer) folder(ctx context.Context, root string) error {
	return fs.WalkDir(os.DirFS(root), ".", func(below string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return stopped(ctx)
		}
		name := filepath.Join(root, filepath.FromSlash(below))
		if err != nil {
			g.troubles = append(g.troubles, fmt.Errorf("%s can't be looked into: %w", name, errors.Unwrap(err)))
			return nil
		}
		switch {
		case below == ".":
			return nil
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") || !g.recursive || g.holdsResults(d)):
			return fs.SkipDir
		case d.IsDir() || strings.HasPrefix(d.Name(), "."):
			return nil
		}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			return nil
		}
		if isPicture(name) {
			g.add(name, filepath.FromSlash(below))
		} else {
			g.others++
		}
		return nil
	})
}

func (g *gatherer) holdsResults(d fs.DirEntry) bool {
	info, err := d.Info()
	return err == nil && g.results != nil && os.SameFile(info, g.results)
}

// isPicture says whether a file begins as the pictures do that the API reads, or is
// called one. An empty or damaged file is so refused by its name, and not left out
// without a word; nor is one that can't be opened.
func isPicture(name string) bool {
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return false // a pipe would have to be waited for
	}
	if formatOf(name) != "" || strings.EqualFold(filepath.Ext(name), ".gif") {
		return true
	}
	f, err := os.Open(name)
	if err != nil {
		return true
	}
	defer f.Close()
	head := make([]byte, sniffed)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return true
	}
	return pictureFormat(head[:n]) != ""
}

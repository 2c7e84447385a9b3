package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A file is one file of an archive.
type file struct {
	name string // slash-separated path in the archive
	path string // path on this machine
	mode fs.FileMode
	size int64
}

// list returns every file below dir, sorted by name. Modes are 0755 for files that their owner may
// execute and 0644 for others, independent of the umask.
func list(dir string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Stat(path) // follows links
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir():
			return nil
		case info.IsDir():
			return fmt.Errorf("%s is a link to a folder: link to its files", path)
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		f := file{name: filepath.ToSlash(name), path: path, mode: 0o644, size: info.Size()}
		if info.Mode()&0o100 != 0 {
			f.mode = 0o755
		}
		files = append(files, f)
		return nil
	})
	return files, err
}

// stamp is the time of every file: the earliest that a zip can represent.
var stamp = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// pack writes files as an archive of the type given by the extension of name.
func pack(name string, w io.Writer, files []file) error {
	switch {
	case strings.HasSuffix(name, ".zip"):
		return packZip(w, files)
	case strings.HasSuffix(name, ".tar.gz"):
		return packTar(w, files)
	}
	return fmt.Errorf("%s has neither the extension .zip nor .tar.gz", name)
}

func packZip(w io.Writer, files []file) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: stamp}
		h.SetMode(f.mode)
		part, err := z.CreateHeader(h)
		if err == nil {
			err = f.copyTo(part)
		}
		if err != nil {
			return err
		}
	}
	return z.Close()
}

func packTar(w io.Writer, files []file) error {
	compressed := gzip.NewWriter(w)
	t := tar.NewWriter(compressed)
	for _, f := range files {
		err := t.WriteHeader(&tar.Header{Name: f.name, Mode: int64(f.mode), Size: f.size, ModTime: stamp, Format: tar.FormatUSTAR})
		if err == nil {
			err = f.copyTo(t)
		}
		if err != nil {
			return err
		}
	}
	return errors.Join(t.Close(), compressed.Close())
}

func (f file) copyTo(w io.Writer) error {
	in, err := os.Open(f.path)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, in)
	return errors.Join(err, in.Close())
}

package measurement

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// A line is one line of a run's file: exactly one of its fields is set.
type line struct {
	Header *Header `json:"header,omitempty"`
	Job    *Job    `json:"job,omitempty"`
	Footer *Footer `json:"footer,omitempty"`
}

// Write writes a run as JSON lines.
func (r *Run) Write(w io.Writer) error {
	b := bufio.NewWriter(w)
	e := json.NewEncoder(b)
	err := e.Encode(line{Header: &r.Header})
	for i := range r.Jobs {
		err = errors.Join(err, e.Encode(line{Job: &r.Jobs[i]}))
	}
	return errors.Join(err, e.Encode(line{Footer: &r.Footer}), b.Flush())
}

// maxFile is the maximum size of a run's file in bytes, about 100,000 jobs.
const maxFile = 64 << 20

// Read reads what Write has written; anything else is an error that names the line.
func Read(r io.Reader) (*Run, error) {
	all, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(all) > maxFile {
		return nil, fmt.Errorf("more than %d MiB", maxFile>>20)
	}
	run, n, ended := new(Run), 0, false
	for text := range bytes.Lines(all) {
		n++
		var l line
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if d.More() {
			return nil, fmt.Errorf("line %d: more than one value", n)
		}
		switch {
		case ended, (n == 1) != (l.Header != nil), l.Job != nil && (l.Header != nil || l.Footer != nil), l.Header != nil && l.Footer != nil:
			return nil, fmt.Errorf("line %d: expected a header, then jobs, then a footer", n)
		case l.Header != nil:
			run.Header = *l.Header
			if run.Header.Format != Format {
				return nil, fmt.Errorf("line 1: format %d, but this program reads %d", run.Header.Format, Format)
			}
		case l.Job != nil:
			run.Jobs = append(run.Jobs, *l.Job)
		case l.Footer != nil:
			run.Footer, ended = *l.Footer, true
			if run.Footer.Jobs != len(run.Jobs) {
				return nil, fmt.Errorf("%d jobs, but the last line counts %d", len(run.Jobs), run.Footer.Jobs)
			}
		default:
			return nil, fmt.Errorf("line %d: neither header, job nor footer", n)
		}
	}
	if !ended {
		return nil, errors.New("it ends without a footer")
	}
	return run, nil
}

// replace makes a file with the content that write writes, whole or not at all, and durably.
func replace(path string, write func(io.Writer) error) (err error) {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, temporary+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name()) // otherwise the next start removes it
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Chmod(f.Name(), 0o644); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncFolder(dir)
}

// temporary is the prefix of the names of unfinished files.
const temporary = ".unfinished-"

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

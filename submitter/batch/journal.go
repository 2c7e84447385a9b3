package main

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A journal is a file from which a batch can be picked up again, whatever has
// ended it: a line that says what was asked for, one for each picture, and then
// one for whatever becomes of a picture. It is whole under its name or not there,
// locked by the process that works on the batch, and removed at the batch's end,
// unless something has failed that may fare better another time.
type journal struct {
	name string // of the batch
	file *os.File

	mu  sync.Mutex
	err error // the first of writing to it
}

// A plan is a journal's first line.
type plan struct {
	Version    int           `json:"v"`
	Began      time.Time     `json:"began"`
	API        string        `json:"api"`
	Folder     path          `json:"folder"` // that names are relative to
	StyleImage path          `json:"style_image,omitempty"`
	Force      bool          `json:"force,omitempty"`
	Pictures   int           `json:"pictures"`
	Settings   submitCommand `json:"settings"`
}

const planVersion = 1

// An event is what has become of picture N.
type event struct {
	N    int    `json:"n"`
	Job  job.ID `json:"job,omitempty"`
	Done bool   `json:"done,omitempty"`
}

// A path is a file's name in JSON, which may not be UTF-8.
type path string

// MarshalText keeps every byte.
//
//nolint:unparam // encoding.TextMarshaler's signature
func (p path) MarshalText() ([]byte, error) { return []byte(strconv.Quote(string(p))), nil }

// UnmarshalText undoes MarshalText.
func (p *path) UnmarshalText(b []byte) error {
	s, err := strconv.Unquote(string(b))
	*p = path(s)
	return err
}

const (
	journalEnding = ".batch"
	unmadeEnding  = journalEnding + ".tmp" // of one that is being made
)

// journalFolder is where journals are: XDG's folder for the state of programs.
func (a *app) journalFolder() (string, error) {
	folder := a.getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(folder) {
		home := a.getenv("HOME")
		if !filepath.IsAbs(home) {
			return "", errors.New("neither $XDG_STATE_HOME nor $HOME names a folder")
		}
		folder = filepath.Join(home, ".local", "state")
	}
	return filepath.Join(folder, "atelier"), nil
}

// newJournal makes a journal, under a name of its own.
func newJournal(folder string, p *plan, inputs []*input) (_ *journal, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	removeUnmade(folder)
	j := &journal{name: strings.ToLower(rand.Text()[:10])}
	j.file, err = os.OpenFile(filepath.Join(folder, j.name+unmadeEnding), os.O_RDWR|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(j.file.Name())
			_ = j.file.Close()
		}
	}()
	if err := lockFile(j.file); err != nil {
		return nil, err
	}
	w := bufio.NewWriter(j.file)
	lines := json.NewEncoder(w)
	if err := lines.Encode(p); err != nil {
		return nil, err
	}
	for _, in := range inputs {
		if err := lines.Encode(in); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(w.Flush(), j.file.Sync()); err != nil {
		return nil, err
	}
	return j, os.Rename(j.file.Name(), filepath.Join(folder, j.name+journalEnding))
}

// removeUnmade removes the journals whose makers were killed: those that nobody
// has locked. A leftover that stays does no harm.
func removeUnmade(folder string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasSuffix(e.Name(), unmadeEnding) || time.Since(info.ModTime()) < unlockedAtMost {
			continue
		}
		file, err := os.OpenFile(filepath.Join(folder, e.Name()), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if lockFile(file) == nil {
			_ = os.Remove(file.Name())
		}
		_ = file.Close()
	}
}

// note appends an event. It is not synced: what a crash of the machine loses of
// them is only asked for again. That it could not be written is for err to tell.
func (j *journal) note(e event) {
	if j == nil {
		return
	}
	line, err := json.Marshal(e)
	j.mu.Lock()
	defer j.mu.Unlock()
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	if j.err == nil {
		j.err = err
	}
}

// close ends the work on a batch, of which nothing is left to do if done.
func (j *journal) close(folder string, done bool) {
	if j == nil {
		return
	}
	if done {
		_ = os.Remove(filepath.Join(folder, j.name+journalEnding))
	}
	_ = j.file.Close()
}

// openJournal reads the journal of a batch and locks it: errBusy where another
// process works on the batch.
func openJournal(folder, name string) (*journal, *plan, []*task, error) {
	file, err := os.OpenFile(filepath.Join(folder, name+journalEnding), os.O_RDWR|os.O_APPEND, 0)
	if err != nil {
		return nil, nil, nil, err
	}
	if err := lockFile(file); err != nil {
		_ = file.Close()
		return nil, nil, nil, err
	}
	p, tasks, err := readJournal(file)
	if err != nil {
		_ = file.Close()
		return nil, nil, nil, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return &journal{name: name, file: file}, p, tasks, nil
}

// longestLine is of a journal, in bytes: two names, as they are written at most.
const longestLine = 12 * maxName

// readJournal answers what is left to do. A last line that is not whole was being
// written when the machine crashed.
func readJournal(r io.Reader) (*plan, []*task, error) {
	lines, p := bufio.NewReaderSize(r, longestLine), new(plan)
	next := func(v any) error {
		line, err := lines.ReadSlice('\n')
		if err == nil {
			err = json.Unmarshal(line, v)
		}
		return err
	}
	if err := next(p); err != nil || p.Version != planVersion {
		return nil, nil, errors.Join(errors.New("this is no journal of a batch that this version reads"), err)
	}
	if n := p.Settings.Parallel; n < 1 || n > maxParallel {
		return nil, nil, fmt.Errorf("the journal is damaged: it has %d pictures sent at a time", n)
	}
	var all []*task
	for n := range p.Pictures {
		t := &task{n: n}
		if err := next(&t.input); err != nil {
			return nil, nil, fmt.Errorf("the journal is damaged: %w", err)
		}
		all = append(all, t)
	}
	done := make([]bool, len(all))
	for {
		e := event{N: -1}
		if err := next(&e); errors.Is(err, io.EOF) {
			break
		}
		if e.N < 0 || e.N >= len(all) {
			continue
		}
		done[e.N] = done[e.N] || e.Done
		if id, err := job.ParseID(string(e.Job)); err == nil {
			all[e.N].id = id
		}
	}
	var left []*task
	for n, t := range all {
		if !done[n] {
			left = append(left, t)
		}
	}
	return p, left, nil
}

// isBatch says whether a name can be a batch's.
func isBatch(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// journals names the batches that are in a folder.
func journals(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), journalEnding); ok && isBatch(name) {
			names = append(names, name)
		}
	}
	return names, err
}

package batch

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// ValidName reports whether a string can be a batch's name.
func ValidName(name string) bool {
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz234567") == ""
}

// Open opens a batch in a folder, to resume it. The caller must call [Batch.Run], [Batch.Close] or
// [Batch.RemoveJournal]. The error wraps [fs.ErrNotExist] if there is no such batch, and [ErrBusy]
// if another process works on it.
func Open(folder, name string) (*Batch, error) {
	j := &journal{name: name, path: filepath.Join(folder, name+journalEnding)}
	var err error
	if j.lock, err = lockFile(j.path, os.O_RDWR); err != nil {
		return nil, err
	}
	b := &Batch{journal: j}
	if j.file, err = os.OpenFile(j.path, os.O_RDWR|os.O_APPEND, 0); err == nil {
		if b.header, b.tasks, err = readJournal(j.file); err != nil {
			err = errors.Join(fmt.Errorf("%s: %w", j.path, err), j.file.Close())
		}
	}
	if err != nil {
		_ = j.lock.Close()
		return nil, err
	}
	b.stages = newStages(b.tasks)
	return b, nil
}

// Close closes a batch that was opened, and that is not to be run now.
func (b *Batch) Close() { b.journal.close(false) }

// RemoveJournal removes the journal of a batch that was opened. The jobs of the batch stay.
func (b *Batch) RemoveJournal() { b.journal.close(true) }

// RemoveJournal removes the journal of a batch that can't be opened.
func RemoveJournal(folder, name string) error {
	return os.Remove(filepath.Join(folder, name+journalEnding))
}

// A Summary describes an unfinished batch.
type Summary struct {
	Name     string
	Err      error // why it can't be opened; the following fields are set if it is nil
	Began    time.Time
	Folder   string // in which it was created
	Pictures int    // of the whole batch
	Left     int    // pictures that are not done
}

// List returns the unfinished batches in a folder, except those that a process works on.
func List(folder string) ([]Summary, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []Summary
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), journalEnding)
		if !ok || !ValidName(name) {
			continue
		}
		b, err := Open(folder, name)
		switch {
		case errors.Is(err, ErrBusy):
		case err != nil:
			list = append(list, Summary{Name: name, Err: err})
		default:
			list = append(list, Summary{
				Name: name, Began: b.Began(), Folder: string(b.header.Folder), Pictures: b.header.Pictures, Left: b.Left(),
			})
			b.Close()
		}
	}
	return list, err
}

// longestLine is the largest length, in bytes, of a line in a journal: it can have two paths in
// their longest encoding.
const longestLine = 12 * MaxPath

// readJournal returns the header of a journal and the pictures that are not done. It ignores an
// incomplete last line, which was being written when the machine or the process crashed.
func readJournal(r io.Reader) (header, []*task, error) {
	var h header
	lines := bufio.NewReaderSize(r, longestLine)
	next := func(v any) error {
		line, err := lines.ReadSlice('\n')
		if err == nil {
			err = json.Unmarshal(line, v)
		}
		return err
	}
	if err := next(&h); err != nil || h.Version != version {
		return h, nil, errors.Join(errors.New("this is not the journal of a batch, or it is of another version"), err)
	}
	if n := h.Options.Parallel; n < 1 || n > MaxParallel {
		return h, nil, fmt.Errorf("the journal is damaged: it has %d pictures sent at a time", n)
	}
	var all []*task
	for n := range h.Pictures {
		t := &task{n: n}
		if err := next(&t.Input); err != nil {
			return h, nil, fmt.Errorf("the journal is damaged: %w", err)
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
	return h, left, nil
}

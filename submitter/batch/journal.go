package batch

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/atelier-go/atelier/pkg/job"
)

// A journal is the file from which a batch can be resumed. It has a header, a line for each
// picture, and then a line for each event. It appears under its name when it is complete, and is
// locked by the process that works on the batch. At the end of the batch it is removed, unless
// something has failed that may succeed in another run. A nil *journal records nothing.
type journal struct {
	name string // of the batch
	path string
	lock *flock.Flock
	file *os.File

	mu  sync.Mutex
	err error // the first error of writing an event
}

// A header is the first line of a journal.
type header struct {
	Version  int       `json:"v"`
	Began    time.Time `json:"began"`
	Folder   Path      `json:"folder"` // that relative names are relative to; "" is the current one
	Pictures int       `json:"pictures"`
	Options  Options   `json:"options"`
}

// version is the version of the journal's format.
const version = 2

// An event records what has happened to picture number N.
type event struct {
	N    int    `json:"n"`
	Job  job.ID `json:"job,omitempty"`
	Done bool   `json:"done,omitempty"`
}

const (
	journalEnding   = ".batch"
	temporaryEnding = journalEnding + ".tmp" // of a journal that is being made
)

// CreateJournal creates the journal of a new batch in a folder, which is created too if it does not
// exist. Without a journal, the batch can be run but not resumed.
func (b *Batch) CreateJournal(folder string) error {
	here, err := filepath.Abs(".")
	if err != nil {
		return err
	}
	b.header.Folder = Path(here)
	j, err := createJournal(folder, &b.header, b.tasks)
	if err == nil {
		b.journal = j
	}
	return err
}

// JournalErr returns the first error of writing to the journal; nil if there was none. What is not
// in the journal is done again when the batch is resumed.
func (b *Batch) JournalErr() error {
	if b.journal == nil {
		return nil
	}
	b.journal.mu.Lock()
	defer b.journal.mu.Unlock()
	return b.journal.err
}

func createJournal(folder string, h *header, tasks []*task) (_ *journal, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	RemoveLeftovers(folder)
	j := &journal{name: strings.ToLower(rand.Text()[:10])}
	j.path = filepath.Join(folder, j.name+journalEnding)
	temporary := filepath.Join(folder, j.name+temporaryEnding)
	if j.lock, err = lockFile(temporary, os.O_RDWR|os.O_CREATE|os.O_EXCL); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(temporary)
			_ = j.lock.Close()
		}
	}()
	if j.file, err = os.OpenFile(temporary, os.O_WRONLY|os.O_APPEND, 0); err != nil {
		return nil, err
	}
	if err = writeJournal(j.file, h, tasks); err == nil {
		err = os.Rename(temporary, j.path)
	}
	if err != nil {
		_ = j.file.Close()
		return nil, err
	}
	return j, nil
}

func writeJournal(file *os.File, h *header, tasks []*task) error {
	w := bufio.NewWriter(file)
	lines := json.NewEncoder(w)
	if err := lines.Encode(h); err != nil {
		return err
	}
	for _, t := range tasks {
		if err := lines.Encode(t.Input); err != nil {
			return err
		}
	}
	return errors.Join(w.Flush(), file.Sync())
}

// RemoveLeftovers removes incomplete journals from a folder, which processes have left that were
// killed while they created them. It recognises them because no process has locked them. It ignores
// errors, because such files do no harm.
func RemoveLeftovers(folder string) {
	entries, _ := os.ReadDir(folder)
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || !strings.HasSuffix(e.Name(), temporaryEnding) || time.Since(info.ModTime()) < lockedWithin {
			continue
		}
		path := filepath.Join(folder, e.Name())
		if lock, err := lockFile(path, os.O_RDWR); err == nil {
			_ = os.Remove(path)
			_ = lock.Close()
		}
	}
}

// append writes an event to the journal. It does not wait until the event is on the disk: if the
// machine crashes and events are lost, the same requests are sent again, with the same keys.
// JournalErr returns an error of writing.
func (j *journal) append(e event) {
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

// close unlocks the journal. If done is set, it removes it.
func (j *journal) close(done bool) {
	if j == nil {
		return
	}
	if done {
		_ = os.Remove(j.path)
	}
	_ = j.file.Close()
	_ = j.lock.Close()
}

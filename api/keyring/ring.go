package keyring

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
)

// maxFile bounds a file of keys: some ten thousand of them.
const maxFile = 1 << 20

// A Ring is the keys of a file, as it stands: it is looked at with every lookup
// and read again when it has changed. A Ring is safe for concurrent use.
//
// Where the file has become unreadable or wrong, the keys that it had go on
// working, and the log says so. Keys are revoked by taking out their lines; a
// file without any is nobody's.
type Ring struct {
	path string
	log  *slog.Logger
	now  atomic.Pointer[entries]

	reading sync.Mutex  // held by whoever looks at the file
	info    fs.FileInfo // of the file that was read last; nil where that failed
	failure string      // the failure that was logged last, so that it is once
}

// Open reads a file of keys. Its error names the line that is wrong. A file
// without a key is one: nobody could use the API.
func Open(path string, log *slog.Logger) (*Ring, error) {
	r := &Ring{path: path, log: log}
	all, err := r.read()
	if err == nil && len(all) == 0 {
		err = errors.New("there is no key in it: api-server keygen makes one")
	}
	if err != nil {
		return nil, fmt.Errorf("keys in %s: %w", path, err)
	}
	r.now.Store(&all)
	return r, nil
}

// Lookup answers who holds a key; false where nobody does.
func (r *Ring) Lookup(key string) (Holder, bool) {
	r.refresh()
	return r.now.Load().lookup(key)
}

// refresh reads the file again if it has changed. One caller does, and the
// others go by what was known: a file system that hangs must not hold up all.
func (r *Ring) refresh() {
	if !r.reading.TryLock() {
		return
	}
	defer r.reading.Unlock()
	info, err := os.Stat(r.path)
	if err == nil && r.info != nil && same(info, r.info) {
		return
	}
	all, err := r.read()
	if err != nil {
		if err.Error() != r.failure {
			r.log.Error("the keys can't be read again: those known go on working", "file", r.path, "error", err)
		}
		r.failure = err.Error()
		return
	}
	r.failure = ""
	r.now.Store(&all)
	r.log.Info("the keys were read again", "file", r.path, "keys", len(all))
}

func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size()
}

// read reads the file, and remembers which it was: as it stood before, so that a
// change meanwhile is a change.
func (r *Ring) read() (entries, error) {
	r.info = nil
	info, err := os.Stat(r.path) // before it is opened, which waits for ever on a pipe
	if err != nil {
		return nil, errors.Unwrap(err) // the path is named already
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a file")
	}
	f, err := os.Open(r.path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	if err != nil {
		return nil, err
	}
	r.info = info // also of a wrong one, which is not read again until it changes
	all, err := parse(content)
	if mode := info.Mode().Perm(); mode&0o006 != 0 {
		r.log.Warn("the file of keys is open to every user of the machine; chmod 600 closes it", "file", r.path, "mode", fmt.Sprintf("%o", mode))
	}
	return all, err
}

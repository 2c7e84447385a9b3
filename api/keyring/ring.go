package keyring

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// maxFile bounds a file of keys: some ten thousand of them.
const maxFile = 1 << 20

// Grace is how long the keys of a file count that can't be read any more: an editor
// or a shared file system may take it away for a moment.
const Grace = time.Minute

// reportEvery is the time between two lines in the log about one fault.
const reportEvery = time.Minute

// errHangs is why nobody is admitted while a look at the file doesn't end.
var errHangs = fmt.Errorf("the file system has not responded for %s", Grace)

// A Ring is the keys of a file, as it stands: it is looked at with every lookup
// and read again when it has changed. A Ring is safe for concurrent use.
//
// Each line counts for itself, at once: a key whose line was taken out is revoked
// whatever is wrong with other lines, and a line that is wrong admits nobody. A file
// that can't be read, or whose file system doesn't respond, counts as it was for
// [Grace], and then admits nobody; so does one without any key. The log says what is
// wrong when it begins and every minute.
//
// Where several goroutines use a Ring, [Ring.Watch] must run: a lookup beside one that
// is looking at the file relies on the time of the last look.
type Ring struct {
	path string
	log  *slog.Logger
	now  atomic.Pointer[state]
	seen atomic.Pointer[time.Time] // when the last look at the file that has ended began

	reading sync.Mutex  // held by whoever looks at the file
	info    fs.FileInfo // of the file that was read last; nil where that failed

	reporting sync.Mutex // guards what was logged last, and when
	fault     string
	told      time.Time
}

// A state is what a file says.
type state struct {
	keys entries
	bad  badLines  // lines that don't count
	err  error     // why the file can't be read: keys and bad are as it was before
	end  time.Time // with err: until when they count
}

// away is why nobody is admitted; nil where those in the file are.
func (r *Ring) away(s *state) error {
	switch {
	case s.err != nil && !time.Now().Before(s.end):
		return s.err
	case r.hangs():
		return errHangs
	}
	return nil
}

// hangs says whether no look at the file has ended for too long.
func (r *Ring) hangs() bool { return time.Since(*r.seen.Load()) >= Grace }

// Open reads a file of keys. A line that is wrong is an error here, which names all
// of them, and so is a file without a key: nobody could use the API.
func Open(path string, log *slog.Logger) (*Ring, error) {
	r, begun := &Ring{path: path, log: log}, time.Now()
	s, err := r.read()
	switch {
	case err != nil:
	case s.bad.n > 0:
		err = s.bad
	case len(s.keys) == 0:
		err = errors.New("there is no key in it: api-server keygen makes one")
	}
	if err != nil {
		return nil, fmt.Errorf("keys in %s: %w", path, err)
	}
	r.now.Store(s)
	r.seen.Store(&begun)
	return r, nil
}

// Lookup returns who holds a key; false where nobody does, or where [Ring.Status]
// has an error.
func (r *Ring) Lookup(key string) (Holder, bool) {
	r.refresh()
	s := r.now.Load()
	if r.away(s) != nil {
		return Holder{}, false
	}
	return s.keys.lookup(key)
}

// A Status is how a file of keys fares.
type Status struct {
	Keys     int   // that admit somebody
	BadLines int   // that don't count
	Readable bool  // now
	Err      error // why nobody is admitted, since the file has been unreadable for too long; else nil
}

// Status looks at the file.
func (r *Ring) Status() Status {
	r.refresh()
	s := r.now.Load()
	status := Status{Keys: len(s.keys), BadLines: s.bad.n, Readable: s.err == nil && !r.hangs(), Err: r.away(s)}
	if status.Err != nil {
		status.Keys = 0
	}
	return status
}

// Watch looks at the file every few seconds until ctx ends, so that the log says
// what is wrong with it even while nobody comes.
func (r *Ring) Watch(ctx context.Context) {
	again := time.NewTicker(5 * time.Second)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			r.refresh()
		}
	}
}

// refresh reads the file again if it has changed. One caller does, and the
// others go by what was known: a file system that hangs must not hold up all.
func (r *Ring) refresh() {
	if !r.reading.TryLock() {
		if r.hangs() {
			r.report()
		}
		return
	}
	defer r.reading.Unlock()
	begun := time.Now() // a look that took long shows the file as it was then
	r.look()
	r.seen.Store(&begun)
	r.report()
}

// look reads the file again if it has changed. The caller holds r.reading.
func (r *Ring) look() {
	info, err := os.Stat(r.path)
	if err == nil && r.info != nil && same(info, r.info) {
		return
	}
	s, err := r.read()
	if err != nil {
		old := *r.now.Load()
		if old.err == nil {
			old.end = time.Now().Add(Grace)
		}
		old.err = err
		r.now.Store(&old)
		return
	}
	r.now.Store(s)
	r.log.Info("the keys were read again", "file", r.path, "keys", len(s.keys), "bad_lines", s.bad.n)
}

// report logs what is wrong with the file, if it is new or was logged long ago.
func (r *Ring) report() {
	r.reporting.Lock()
	defer r.reporting.Unlock()
	s := r.now.Load()
	away := r.away(s)
	var fault, does string
	switch {
	case away != nil:
		fault, does = away.Error(), "the file can't be read; nobody is admitted until it can"
	case s.err != nil:
		fault, does = s.err.Error(), "the file can't be read; the keys that were in it count for "+Grace.String()
	case s.bad.n > 0:
		fault, does = s.bad.Error(), "these lines admit nobody; correct or remove them"
	default:
		r.fault = ""
		return
	}
	if text := does + fault; text != r.fault || time.Since(r.told) >= reportEvery {
		r.fault, r.told = text, time.Now()
		r.log.Error("keys: "+does, "file", r.path, "error", fault)
	}
}

// same says whether a file is unchanged. The change time is compared too, since a
// program that rewrites a file in place can set the time of modification back.
func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.ModTime().Equal(b.ModTime()) && a.Size() == b.Size() && changed(a).Equal(changed(b))
}

// read reads the file, and remembers which it was: as it stood before, so that a
// change meanwhile is a change.
func (r *Ring) read() (*state, error) {
	r.info = nil
	info, err := os.Stat(r.path) // before it is opened, which waits for ever on a pipe
	if err != nil {
		return nil, errors.Unwrap(err) // the path is named already
	}
	if !info.Mode().IsRegular() {
		r.info = info
		return nil, errors.New("it is not a file")
	}
	f, err := os.Open(r.path)
	if err != nil {
		return nil, errors.Unwrap(err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(content) > maxFile {
		r.info = info // it is not read again until it changes
		err = fmt.Errorf("it is larger than %d bytes", maxFile)
	}
	if err != nil {
		return nil, err
	}
	r.info = info
	s := new(state)
	s.keys, s.bad = parse(content)
	if mode := info.Mode().Perm(); mode&0o006 != 0 {
		r.log.Warn("the file of keys is open to every user of the machine; chmod 600 closes it", "file", r.path, "mode", fmt.Sprintf("%o", mode))
	}
	return s, nil
}

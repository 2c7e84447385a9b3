package keyring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// maxText bounds the text of the keys: some ten thousand of them.
const maxText = 1 << 20

// Grace is how long the keys of a file count after it was last read, where it can't be
// read any more: an editor or a shared file system may take it away for a moment.
const Grace = time.Minute

// reportEvery is the time between two log lines about one fault.
const reportEvery = time.Minute

// A Ring is the keys of a file or another [Source], read again when they have changed: a
// file is examined at every lookup, a Source at the first lookup after [SourceEvery]. A
// Ring is safe for concurrent use.
//
// Each line counts for itself, at once: a key whose line was taken out is revoked
// whatever is wrong with other lines, and a line that is wrong admits nobody. Keys that
// can't be read any more count for [Grace] ([SourceGrace]) after they were last read, and
// then nobody is admitted; nor is anybody where there is no key. The log says what is
// wrong when it begins and every minute.
//
// Where several goroutines use a Ring, [Ring.Watch] must run: a lookup during another's
// read relies on the time of the last read.
type Ring struct {
	origin   origin
	grace    time.Duration
	log      *slog.Logger
	current  atomic.Pointer[state]
	lastRead atomic.Pointer[time.Time] // when the last examination that has ended began

	reading sync.Mutex // held during an examination

	reporting sync.Mutex // guards what was logged last, and when
	fault     string
	reported  time.Time
}

// An origin is where the text of the keys comes from. It is used by one goroutine at a
// time.
type origin interface {
	// due is whether it may be read now.
	due() bool
	// read returns the text, at most maxText bytes; changed is false, and there is no
	// text, where it is the same as at the last read, whatever that returned.
	read() (text []byte, changed bool, err error)
	String() string
}

// A state is what was read.
type state struct {
	keys entries
	bad  badLines  // lines that don't count
	err  error     // why the keys can't be read: keys and bad are as they were before
	end  time.Time // with err: until when they count
}

// errUnread: nobody has asked for the keys yet.
var errUnread = errors.New("they have not been read yet")

// away is why nobody is admitted; nil where the holders of keys are.
func (r *Ring) unavailable(s *state) error {
	switch {
	case s.err != nil && !time.Now().Before(s.end):
		return s.err
	case r.isHanging():
		return fmt.Errorf("the file system has not responded for %s", r.grace)
	}
	return nil
}

// hangs is whether no examination has ended for too long.
func (r *Ring) isHanging() bool { return time.Since(*r.lastRead.Load()) >= r.grace }

// Open reads a file of keys. A line that is wrong is an error here, which names all
// of them, and so is a file without a key: nobody could use the API.
func Open(path string, log *slog.Logger) (*Ring, error) {
	return open(newRing(&file{path: path, log: log}, Grace, log))
}

func newRing(o origin, grace time.Duration, log *slog.Logger) *Ring {
	r, now := &Ring{origin: o, grace: grace, log: log}, time.Now()
	r.current.Store(&state{err: errUnread, end: now})
	r.lastRead.Store(&now)
	return r
}

// open reads the keys for the first time.
func open(r *Ring) (*Ring, error) {
	text, _, err := r.origin.read()
	s := parsed(text)
	switch {
	case err != nil:
	case s.bad.n > 0:
		err = s.bad
	case len(s.keys) == 0:
		err = errors.New("there is no key in it: api-server keygen makes one")
	}
	if err != nil {
		return nil, fmt.Errorf("keys in %s: %w", r.origin, err)
	}
	r.current.Store(s)
	return r, nil
}

func parsed(text []byte) *state {
	s := new(state)
	s.keys, s.bad = parse(text)
	return s
}

// Lookup returns who holds a key; false where nobody does, or where [Ring.Status]
// has an error.
func (r *Ring) Lookup(key string) (Holder, bool) {
	r.refresh()
	s := r.current.Load()
	if r.unavailable(s) != nil {
		return Holder{}, false
	}
	return s.keys.lookup(key)
}

// A Status is the state of the keys.
type Status struct {
	Keys     int   // that admit somebody
	BadLines int   // that don't count
	Readable bool  // now
	Err      error // why nobody is admitted, since the keys have been unreadable for too long; else nil
}

// Status reads the keys again where that is due.
func (r *Ring) Status() Status {
	r.refresh()
	s := r.current.Load()
	status := Status{Keys: len(s.keys), BadLines: s.bad.n, Readable: s.err == nil && !r.isHanging(), Err: r.unavailable(s)}
	if status.Err != nil {
		status.Keys = 0
	}
	return status
}

// Watch examines the keys every few seconds until ctx ends, so that the log says
// what is wrong with them even while there are no requests.
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

// refresh reads the keys again if that is due. One caller does, and the others use what
// was read before: a file system that hangs must not hold up all. The first read of
// all is waited for.
func (r *Ring) refresh() {
	if !r.reading.TryLock() {
		if !errors.Is(r.current.Load().err, errUnread) {
			if r.isHanging() {
				r.report()
			}
			return
		}
		r.reading.Lock()
	}
	defer r.reading.Unlock()
	if r.origin.due() {
		begun := time.Now() // a read that took long returns the keys as they were then
		r.read()
		r.lastRead.Store(&begun)
	}
	r.report()
}

// read reads the keys again. The caller holds r.reading.
func (r *Ring) read() {
	text, changed, err := r.origin.read()
	if err != nil {
		old := *r.current.Load()
		if old.err == nil {
			old.end = r.lastRead.Load().Add(r.grace)
		}
		old.err = err
		r.current.Store(&old)
		return
	}
	if !changed {
		return
	}
	s := parsed(text)
	r.current.Store(s)
	r.log.Info("the keys were read again", "from", r.origin.String(), "keys", len(s.keys), "bad_lines", s.bad.n)
}

// report logs what is wrong with the keys, if it is new or was logged long ago.
func (r *Ring) report() {
	r.reporting.Lock()
	defer r.reporting.Unlock()
	s := r.current.Load()
	away := r.unavailable(s)
	var fault, does string
	switch {
	case away != nil:
		fault, does = away.Error(), "they can't be read; nobody is admitted until they can"
	case s.err != nil:
		fault, does = s.err.Error(), "they can't be read; those that were read last count for "+r.grace.String()
	case s.bad.n > 0:
		fault, does = s.bad.Error(), "these lines admit nobody; correct or remove them"
	default:
		r.fault = ""
		return
	}
	if text := does + fault; text != r.fault || time.Since(r.reported) >= reportEvery {
		r.fault, r.reported = text, time.Now()
		r.log.Error("keys: "+does, "from", r.origin.String(), "error", fault)
	}
}

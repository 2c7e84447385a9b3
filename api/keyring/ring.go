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

// maxText limits the size of a list, in bytes: some ten thousand keys.
const maxText = 1 << 20

// Grace is for how long after the last successful read the keys of a file stay valid if the file
// can't be read: an editor or a shared file system may remove it for a moment.
const Grace = time.Minute

// reportEvery is the time after which the same fault is logged again.
const reportEvery = time.Minute

// A Ring holds the keys of a file or another [Source], and reads them again when they have changed:
// a file is examined at every lookup, a Source at the first lookup after [SourceEvery]. A Ring is
// safe for concurrent use.
//
// Lines are independent of each other. A key whose line was removed is revoked at once, whatever is
// wrong with other lines, and an invalid line is ignored. If the list can't be read any more, its
// keys stay valid for [Grace] (of a Source, [SourceGrace]) after the last successful read. After
// that no key is valid. An empty list has no valid key either. Faults are logged when they begin,
// and again every minute.
//
// If several goroutines use a Ring, [Ring.Watch] must run: a lookup during another goroutine's read
// relies on the time of the last read.
type Ring struct {
	origin   origin
	grace    time.Duration
	log      *slog.Logger
	current  atomic.Pointer[state]
	lastRead atomic.Pointer[time.Time] // start of the last read that has ended

	reading sync.Mutex // held during a read

	reporting sync.Mutex // guards the fields below: what was logged last, and when
	fault     string
	reported  time.Time
}

// An origin is where a list of keys comes from. It is used by one goroutine at a time.
type origin interface {
	// due reports whether it is time for the next read.
	due() bool
	// read returns the list, at most maxText bytes. If it is the same as at the last read, changed
	// is false and text is nil, whether or not the list was valid.
	read() (text []byte, changed bool, err error)
	String() string
}

// A state is what reading a list has resulted in.
type state struct {
	keys entries
	bad  badLines  // ignored lines
	err  error     // why the list is unreadable; keys and bad are then of the last successful read
	end  time.Time // with err: until when keys are valid
}

// errUnread is the error of a Ring whose keys were not read yet.
var errUnread = errors.New("they have not been read yet")

// unavailable returns an error that says why no key is valid, or nil if the keys of s are valid.
func (r *Ring) unavailable(s *state) error {
	switch {
	case s.err != nil && !time.Now().Before(s.end):
		return s.err
	case r.isHanging():
		return fmt.Errorf("the file system has not responded for %s", r.grace)
	}
	return nil
}

// isHanging reports whether no read has ended for the grace time, as on a file system that hangs.
func (r *Ring) isHanging() bool { return time.Since(*r.lastRead.Load()) >= r.grace }

// Open reads a file of keys. Its error names all invalid lines. A file without any key is an error
// too, because no client could use the API.
func Open(path string, log *slog.Logger) (*Ring, error) {
	return open(newRing(&file{path: path, log: log}, Grace, log))
}

func newRing(o origin, grace time.Duration, log *slog.Logger) *Ring {
	r, now := &Ring{origin: o, grace: grace, log: log}, time.Now()
	r.current.Store(&state{err: errUnread, end: now})
	r.lastRead.Store(&now)
	return r
}

// open reads the keys of a new Ring for the first time.
func open(r *Ring) (*Ring, error) {
	text, _, err := r.origin.read()
	s := parsed(text)
	switch {
	case err != nil:
	case s.bad.n > 0:
		err = s.bad
	case len(s.keys) == 0:
		err = errors.New("it contains no key: api-server keygen makes one")
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

// Lookup returns the holder of a key. ok is false if the key is unknown, and while no key is valid
// because [Ring.Status] has an error.
func (r *Ring) Lookup(key string) (Holder, bool) {
	r.refresh()
	s := r.current.Load()
	if r.unavailable(s) != nil {
		return Holder{}, false
	}
	return s.keys.lookup(key)
}

// A Status says how many keys are valid, and what is wrong with the list.
type Status struct {
	Keys     int   // number of valid keys
	BadLines int   // number of ignored lines
	Readable bool  // whether the last read succeeded
	Err      error // why no key is valid: the list has been unreadable for too long; else nil
}

// Status returns the state of the keys, after reading them again if that is due.
func (r *Ring) Status() Status {
	r.refresh()
	s := r.current.Load()
	status := Status{Keys: len(s.keys), BadLines: s.bad.n, Readable: s.err == nil && !r.isHanging(), Err: r.unavailable(s)}
	if status.Err != nil {
		status.Keys = 0
	}
	return status
}

// Watch examines the keys every few seconds until ctx ends, so that faults are logged even while there
// are no requests.
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

// refresh reads the keys again if it is time to. One caller reads while the others use the keys of
// the last read, so that a file system that hangs does not block all requests. Only for the very
// first read do all callers wait.
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
		begun := time.Now() // a slow read may return the keys as they were at its start
		r.read()
		r.lastRead.Store(&begun)
	}
	r.report()
}

// read reads the keys again. The caller must hold r.reading.
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
	r.log.Info("the API keys have changed and were read again", "from", r.origin.String(), "keys", len(s.keys), "bad_lines", s.bad.n)
}

// report logs what is wrong with the keys, unless the same was logged less than reportEvery ago.
func (r *Ring) report() {
	r.reporting.Lock()
	defer r.reporting.Unlock()
	s := r.current.Load()
	unavailable := r.unavailable(s)
	var fault, effect string
	switch {
	case unavailable != nil:
		fault, effect = unavailable.Error(), "the API keys can't be read; no key is valid until they can"
	case s.err != nil:
		fault, effect = s.err.Error(), "the API keys can't be read; those of the last read are valid for "+r.grace.String()
	case s.bad.n > 0:
		fault, effect = s.bad.Error(), "lines of the API keys are invalid and ignored; correct or remove them"
	default:
		r.fault = ""
		return
	}
	if text := effect + fault; text != r.fault || time.Since(r.reported) >= reportEvery {
		r.fault, r.reported = text, time.Now()
		r.log.Error(effect, "from", r.origin.String(), "error", fault)
	}
}

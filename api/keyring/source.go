package keyring

import (
	"context"
	"log/slog"
	"time"
)

// The times of a [Source].
const (
	// SourceEvery is the time after which the next lookup reads the keys again. A new key therefore
	// works, and a revoked key stops working, after this time at the latest.
	SourceEvery = 10 * time.Second
	// SourceGrace is for how long after the last successful read the keys stay valid if the source
	// can't be read.
	SourceGrace = 5 * time.Minute
	// sourceTimeout limits one read. A request waits for it.
	sourceTimeout = 5 * time.Second
	// sourceRetry is the time after which a failed read is repeated.
	sourceRetry = 5 * time.Second
)

// A Source returns a list of keys from another place than a file, over a network.
type Source interface {
	// Read returns the list and an identifier of its version. If known is the current version it
	// returns no list. known is empty before the first read and after an error.
	Read(ctx context.Context, known string) (text []byte, version string, err error)
	// String names the source in errors and logs.
	String() string
}

// OpenSource is like [Open], for a Source.
func OpenSource(s Source, log *slog.Logger) (*Ring, error) {
	return open(newRing(&remote{source: s}, SourceGrace, log))
}

// NewLazy returns a Ring that reads the source at the first lookup. Until then no key is valid.
// Errors are logged and shown by [Ring.Status].
func NewLazy(s Source, log *slog.Logger) *Ring {
	return newRing(&remote{source: s}, SourceGrace, log)
}

// A remote is an origin of keys that is a Source. It does nothing in the background, because a
// function is frozen between requests.
type remote struct {
	source  Source
	version string    // of the last read; empty before the first and after an error
	last    time.Time // start of the last read; zero before the first
}

func (r *remote) String() string { return r.source.String() }

func (r *remote) due() bool {
	every := SourceEvery
	if r.version == "" {
		every = sourceRetry
	}
	return r.last.IsZero() || time.Since(r.last) >= every
}

func (r *remote) read() (text []byte, changed bool, err error) {
	r.last = time.Now()
	ctx, cancel := context.WithTimeout(context.Background(), sourceTimeout)
	defer cancel()
	known := r.version
	r.version = ""
	text, version, err := r.source.Read(ctx, known)
	if err == nil && len(text) > maxText {
		err = errTooLong
	}
	if err != nil {
		return nil, false, err
	}
	r.version = version
	return text, known == "" || version != known, nil
}

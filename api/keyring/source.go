package keyring

import (
	"context"
	"log/slog"
	"time"
)

// The times of a [Source].
const (
	// SourceEvery is the time after which the next lookup reads the keys again: a new
	// key is admitted, and a revoked one refused, that much later at most.
	SourceEvery = 10 * time.Second
	// SourceGrace is how long keys count after they were last read, where the source can't
	// be read any more.
	SourceGrace = 5 * time.Minute
	// sourceTime bounds one read, for which a request waits.
	sourceTimeout = 5 * time.Second
	// sourceAgain is the time between two reads that fail.
	sourceRetry = 5 * time.Second
)

// A Source is where the text of the keys is, other than in a file: across a network.
type Source interface {
	// Read returns the text, with what identifies this version of it. It returns no text
	// where the version is still the known one; that is empty at first, and after a failure.
	Read(ctx context.Context, known string) (text []byte, version string, err error)
	// String names the source in errors and logs.
	String() string
}

// OpenSource is [Open] for a Source.
func OpenSource(s Source, log *slog.Logger) (*Ring, error) {
	return open(newRing(&remote{source: s}, SourceGrace, log))
}

// NewLazy is a Ring of a Source that is read at the first lookup. Until it has been read
// nobody is admitted. What is wrong with it is logged, and shows in [Ring.Status].
func NewLazy(s Source, log *slog.Logger) *Ring {
	return newRing(&remote{source: s}, SourceGrace, log)
}

// A remote is a Source as an origin. It relies on no background work: a function is
// frozen between two requests.
type remote struct {
	source  Source
	version string    // known; empty where there is none, or the last read failed
	last    time.Time // when the last read began; zero before it
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

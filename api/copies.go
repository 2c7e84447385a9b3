package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/atelier-go/atelier/pkg/job"
)

// copies are the published pictures in a bucket, as the API needs them: across a
// network. Names are those of store.Published.
type copies interface {
	Has(ctx context.Context, name string) (bool, error)
	Put(ctx context.Context, name string, picture io.ReadSeeker) error
	Remove(ctx context.Context, names ...string) error
	// Link is an address at which anybody can GET a copy for some minutes.
	Link(ctx context.Context, name, contentType, disposition string) (string, error)
	// Origin is where links lead, scheme and host.
	Origin(ctx context.Context) (string, error)
}

const (
	// copyAsked bounds the question whether there is a copy. Who asks here has the
	// picture at hand.
	lookupTimeout = 2 * time.Second
	// copyMade bounds the making of one, and its removal.
	copyTimeout = 20 * time.Second
	// copyAway is how long a bucket that did not answer is not asked again.
	bucketPause = 5 * time.Second
)

// A linker redirects clients to the copies.
type linker struct {
	copies
	known            *recentIDs
	unavailableUntil atomic.Int64 // not to be asked before, in Unix milliseconds
}

// redirected answers a job's picture by a link to its copy in the bucket, if there is
// one, and else as serve does.
func (s *Server) serveOrRedirect(name string, file *os.File, id job.ID, p pictureHeaders) *huma.StreamResponse {
	here := servePicture(file, file.Close, p)
	if s.linker == nil {
		return here
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		r, w := humago.Unwrap(ctx)
		link, err := s.linkTo(r, name, file, id, p)
		if err == nil && link == "" {
			here.Body(ctx)
			return
		}
		_ = file.Close() // it was only read from
		if p := (*Problem)(nil); err != nil && errors.As(s.problem(ctx.Context(), "answer a picture", err), &p) {
			writeProblem(w, p)
			return
		}
		w.Header().Set("Location", link)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusSeeOther)
	}}
}

// linkTo is a link to a picture's copy; none where the picture is answered here:
// to HEAD, since a link is signed for GET alone, to a client that has it already,
// where there is no copy, and where the bucket is away. What is too large to be
// answered here is copied first.
func (s *Server) linkTo(r *http.Request, name string, file *os.File, id job.ID, p pictureHeaders) (string, error) {
	if r.Method != http.MethodGet || etagMatches(r.Header.Get("If-None-Match"), p.etag) {
		return "", nil
	}
	info, err := file.Stat()
	if err != nil {
		return "", err
	}
	tooLarge := s.MaxPicture > 0 && info.Size() > s.MaxPicture
	there, err := s.linker.hasCopy(r.Context(), name)
	if err == nil && !there && tooLarge {
		// A reader of its own: what was given up may go on reading for a moment.
		if err = s.makeCopy(r.Context(), name, io.NewSectionReader(file, 0, info.Size()), id); errors.Is(err, job.ErrGone) {
			return "", err
		}
		there = err == nil
	}
	var link string
	if err == nil && there {
		link, err = s.linker.Link(r.Context(), name, p.contentType, p.disposition())
	}
	if err != nil && r.Context().Err() == nil && !errors.Is(err, errBucketUnavailable) {
		s.log(r.Context()).Warn("the copy of a picture can't be used", "job", id, "error", err)
	}
	if err != nil && tooLarge && r.Header.Get("Range") == "" {
		return "", fmt.Errorf("%w: %w", errTooLarge, err)
	}
	return link, nil
}

// errTooLarge: the picture can't be answered from here, and not from the bucket
// at the moment.
var errTooLarge = errors.New("the picture is too large to be answered at the moment")

// errBucketAway: the bucket did not answer a moment ago.
var errBucketUnavailable = errors.New("the bucket was away a moment ago")

// newLinker makes a linker of a bucket, and returns nil for nil.
func newLinker(c copies) *linker {
	if c == nil {
		return nil
	}
	return &linker{copies: c, known: newRecentIDs(maxKnownCopies, knownCopyAge)}
}

// copiesKnown and copyKnown bound what is remembered of copies that are there. A
// job that is gone is not looked for among them; its memory is merely let go.
const (
	maxKnownCopies = 4096
	knownCopyAge   = time.Minute
)

// origin is where links lead; "" without copies.
func (l *linker) origin() (string, error) {
	if l == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout) // for credentials; S3 is not asked
	defer cancel()
	return l.Origin(ctx)
}

// forget is for a job that is gone.
func (l *linker) forget(names []string) {
	if l == nil {
		return
	}
	for _, name := range names {
		l.known.remove(name)
	}
}

// has says whether there is a copy. A yes is remembered for a while.
func (l *linker) hasCopy(ctx context.Context, name string) (bool, error) {
	now := time.Now()
	if l.known.has(name, now) {
		return true, nil
	}
	if now.UnixMilli() < l.unavailableUntil.Load() {
		return false, errBucketUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	there, err := l.Has(ctx, name)
	if err != nil && !errors.Is(err, context.Canceled) {
		l.unavailableUntil.Store(time.Now().Add(bucketPause).UnixMilli())
	}
	if there {
		l.known.add(name, now)
	}
	return there, err
}

// copy makes a copy ahead of DataSync. The job may have been erased meanwhile:
// then the erasure may have looked for the copy before it was there.
func (s *Server) makeCopy(ctx context.Context, name string, picture io.ReadSeeker, id job.ID) error {
	making, cancel := context.WithTimeout(ctx, copyTimeout)
	defer cancel()
	err := s.linker.Put(making, name, picture)
	if _, gone := s.Store.Job(id); errors.Is(gone, job.ErrGone) {
		removing, cancel := context.WithTimeout(context.WithoutCancel(ctx), copyTimeout)
		defer cancel()
		return errors.Join(gone, s.linker.Remove(removing, name))
	}
	if err == nil {
		s.linker.known.add(name, time.Now())
	}
	return err
}

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

// copies gives access to the copies of published pictures in a bucket, over a network. The names
// are those that store.Published returns.
type copies interface {
	Has(ctx context.Context, name string) (bool, error)
	Put(ctx context.Context, name string, picture io.ReadSeeker) error
	Remove(ctx context.Context, names ...string) error
	// Link returns an address from which any client can GET a copy for some minutes.
	Link(ctx context.Context, name, contentType, disposition string) (string, error)
	// Origin returns the scheme and host of the links.
	Origin(ctx context.Context) (string, error)
}

const (
	// lookupTimeout limits how long the bucket is asked for a copy. After that, the picture is sent
	// from the shared directory.
	lookupTimeout = 2 * time.Second
	// copyTimeout limits how long copying a picture to the bucket, or removing a copy, may take.
	copyTimeout = 20 * time.Second
	// bucketPause is how long no request is sent to the bucket after a request has failed.
	bucketPause = 5 * time.Second
)

// A linker makes links to copies, and remembers which copies exist.
type linker struct {
	copies
	known            *recentIDs
	unavailableUntil atomic.Int64 // no lookups before this time, in Unix milliseconds
}

// serveOrRedirect responds with a redirect to the picture's copy in the bucket if there is one, and
// otherwise with the picture itself, as servePicture does.
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
		if p := (*Problem)(nil); err != nil && errors.As(s.problem(ctx.Context(), "serve a picture", err), &p) {
			writeProblem(w, p)
			return
		}
		w.Header().Set("Location", link)
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusSeeOther)
	}}
}

// linkTo returns a link to a picture's copy, or "" if the picture is to be sent from here: for
// HEAD, because a link is signed for GET only; if the client has the picture already; if there is
// no copy; and if the bucket is unavailable. A picture that is too large for a response is first
// copied to the bucket.
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
		// A separate reader: a copy that timed out may still be reading for a moment.
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
		s.log(r.Context()).Warn("no link to the copy of a picture; sending the picture itself if it is small enough", "job", id, "error", err)
	}
	if err != nil && tooLarge && r.Header.Get("Range") == "" {
		return "", fmt.Errorf("%w: %w", errTooLarge, err)
	}
	return link, nil
}

// errTooLarge is the error for a picture that is too large to be sent from here while the bucket is
// unavailable.
var errTooLarge = errors.New("the picture is too large to be sent at the moment")

// errBucketUnavailable is returned without a request, if one has failed less than bucketPause ago.
var errBucketUnavailable = errors.New("the bucket was unavailable a moment ago")

// newLinker returns a linker to copies in c; nil if c is nil.
func newLinker(c copies) *linker {
	if c == nil {
		return nil
	}
	return &linker{copies: c, known: newRecentIDs(maxKnownCopies, knownCopyAge)}
}

// The limits of the remembered names of existing copies.
const (
	maxKnownCopies = 4096
	knownCopyAge   = time.Minute
)

// origin returns the scheme and host of all links; "" if there are no copies.
func (l *linker) origin() (string, error) {
	if l == nil {
		return "", nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), lookupTimeout) // for credentials; S3 gets no request
	defer cancel()
	return l.Origin(ctx)
}

// forget removes the names of an erased job's copies from memory. It only saves memory, because a
// request for an erased job never looks for a copy.
func (l *linker) forget(names []string) {
	if l == nil {
		return
	}
	for _, name := range names {
		l.known.remove(name)
	}
}

// hasCopy reports whether a picture has a copy in the bucket. It remembers existing copies for
// knownCopyAge.
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

// makeCopy copies a picture to the bucket, because DataSync has not done so yet. If the job is
// erased meanwhile, perhaps before the copy existed, makeCopy removes the copy and returns the
// error for an erased job.
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

package api

import (
	"io"
	"net/http"
	"time"
)

// serveContent is [http.ServeContent], whose refusals are plain text, with
// problems in their place.
func serveContent(w http.ResponseWriter, r *http.Request, modified time.Time, content io.ReadSeeker) {
	http.ServeContent(&contentWriter{ResponseWriter: w}, r, "", modified, content)
}

type contentWriter struct {
	http.ResponseWriter
	refused bool
}

// WriteHeader writes the whole answer where it is a refusal.
func (w *contentWriter) WriteHeader(status int) {
	if status < 400 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.refused = true
	p := newProblem(http.StatusInternalServerError, "internal", "what is here can't be read")
	switch status {
	case http.StatusPreconditionFailed:
		p = newProblem(status, "precondition_failed", "what is here is not what If-Match or If-Unmodified-Since asks for")
	case http.StatusRequestedRangeNotSatisfiable:
		p = newProblem(status, "range_not_satisfiable", "Range asks for bytes that are not here; Content-Range says how many there are")
	}
	for _, name := range []string{"Content-Disposition", "Content-Length", "ETag", "Last-Modified"} {
		w.Header().Del(name) // of what is refused
	}
	writeProblem(w.ResponseWriter, p)
}

// Write is [io.Writer].
func (w *contentWriter) Write(b []byte) (int, error) {
	if w.refused {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// ReadFrom lets files go to the socket without a detour.
func (w *contentWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, r) }

package api

import (
	"io"
	"net/http"
	"time"
)

// serveContent is like [http.ServeContent], but its error responses are problems instead of plain
// text.
func serveContent(w http.ResponseWriter, r *http.Request, modified time.Time, content io.ReadSeeker) {
	http.ServeContent(&contentWriter{ResponseWriter: w}, r, "", modified, content)
}

type contentWriter struct {
	http.ResponseWriter
	refused bool
}

// WriteHeader writes a problem if the status is an error.
func (w *contentWriter) WriteHeader(status int) {
	if status < 400 {
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.refused = true
	p := newProblem(http.StatusInternalServerError, "internal", "the content can't be read")
	switch status {
	case http.StatusPreconditionFailed:
		p = newProblem(status, "precondition_failed", "the content is not that of If-Match or If-Unmodified-Since")
	case http.StatusRequestedRangeNotSatisfiable:
		p = newProblem(status, "range_not_satisfiable", "Range is outside of the content; Content-Range has its length")
	}
	for _, name := range []string{"Content-Disposition", "Content-Length", "ETag", "Last-Modified"} {
		w.Header().Del(name) // of the content
	}
	writeProblem(w.ResponseWriter, p)
}

// Write implements [io.Writer].
func (w *contentWriter) Write(b []byte) (int, error) {
	if w.refused {
		return len(b), nil
	}
	return w.ResponseWriter.Write(b)
}

// ReadFrom implements [io.ReaderFrom], so that the kernel can copy a file to the socket.
func (w *contentWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, r) }

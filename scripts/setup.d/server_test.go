package setup_test

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

var other = bytes.Repeat([]byte("x"), len(wheel))

// A server responds to the nth request for the file, counted from 1.
type server func(w http.ResponseWriter, r *http.Request, n int)

// whole serves the file like usual servers, including ranges.
func whole(content []byte) server {
	return func(w http.ResponseWriter, r *http.Request, _ int) {
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}
}

// plain serves the same bytes for any request, without a length.
func plain(parts ...[]byte) server {
	return func(w http.ResponseWriter, _ *http.Request, _ int) {
		for _, p := range parts {
			_, _ = w.Write(p) // fails if the client has closed the connection
			w.(http.Flusher).Flush()
		}
	}
}

// endless continues until the client disconnects.
func endless(w http.ResponseWriter, _ *http.Request, _ int) {
	for err := error(nil); err == nil; {
		_, err = w.Write(other)
	}
}

// half closes the connection in the middle of the file.
func half(w http.ResponseWriter, r *http.Request, _ int) {
	from := offset(r)
	if from > 0 {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, len(wheel)-1, len(wheel)))
		w.Header().Set("Content-Length", strconv.Itoa(len(wheel)-from))
		w.WriteHeader(http.StatusPartialContent)
	} else {
		w.Header().Set("Content-Length", strconv.Itoa(len(wheel)))
	}
	_, _ = w.Write(wheel[from : (from+len(wheel))/2])
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func offset(r *http.Request) (from int) {
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from) // 0 without the header
	return from
}

// ranged responds to a range request with a status, a Content-Range and a body, and serves the
// whole file to other requests.
func ranged(status int, contentRange string, body []byte) server {
	return func(w http.ResponseWriter, r *http.Request, n int) {
		if offset(r) == 0 {
			whole(wheel)(w, r, n)
			return
		}
		if contentRange != "" {
			w.Header().Set("Content-Range", contentRange)
		}
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// then uses one server for the first request and another one for the others.
func then(first, others server) server {
	return func(w http.ResponseWriter, r *http.Request, n int) {
		if n == 1 {
			first(w, r, n)
		} else {
			others(w, r, n)
		}
	}
}

func loop(w http.ResponseWriter, r *http.Request, _ int) {
	http.Redirect(w, r, r.URL.Path, http.StatusFound)
}

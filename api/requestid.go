package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"
)

// requestIDHeader identifies a request in the logs of this server, of the proxies before it, and of
// the worker that paints the submitted job.
const requestIDHeader = "X-Request-Id"

// requestIDForm matches the ids that are accepted from a request: short, and harmless in logs and
// in a queue's attributes.
var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._=+/:-]{1,64}$`)

type requestIDKey struct{}

// requestID returns the id of the request in ctx; empty if there is none.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// withRequestID adds an id to every request and its response: the one of the request's header, or a
// new one.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !requestIDForm.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		named := r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		defer func() { r.Pattern = named.Pattern }() // for the metrics
		next.ServeHTTP(w, named)
	})
}

// log returns the server's log with the request's id.
func (s *Server) log(ctx context.Context) *slog.Logger {
	if id := requestID(ctx); id != "" {
		return s.Log.With("request", id)
	}
	return s.Log
}

package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"
)

// requestIDHeader names a request in logs: of this server, of what is before it, and of
// the worker that paints the job which it submits.
const requestIDHeader = "X-Request-Id"

// requestIDForm is what is taken over from a request: a few bytes that are harmless in
// logs and in a queue's attributes.
var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._=+/:-]{1,64}$`)

type requestIDKey struct{}

// requestID is the request's id; empty outside of one.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// identified gives every request an id, the one that it came with or a new one, which the
// answer has too.
func withRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get(requestIDHeader)
		if !requestIDForm.MatchString(id) {
			id = rand.Text()
		}
		w.Header().Set(requestIDHeader, id)
		named := r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		defer func() { r.Pattern = named.Pattern }() // for whoever counts requests by their routes
		next.ServeHTTP(w, named)
	})
}

// log is the server's log, with the request's id.
func (s *Server) log(ctx context.Context) *slog.Logger {
	if id := requestID(ctx); id != "" {
		return s.Log.With("request", id)
	}
	return s.Log
}

package api

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"regexp"
)

// requestIDHeader is the header with the id of a request. The logs of this server, of proxies in
// front of it, and of the worker that paints the submitted job all contain this id.
const requestIDHeader = "X-Request-Id"

// requestIDForm matches the ids that are accepted from a client: they are short, and harmless in
// logs and in the attributes of messages.
var requestIDForm = regexp.MustCompile(`^[A-Za-z0-9._=+/:-]{1,64}$`)

type requestIDKey struct{}

// requestID returns the id of the request in ctx; empty if there is none.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}

// withRequestID gives every request and its response an id: that of the request's header, or a new
// one.
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

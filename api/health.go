package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// healthRoutes are for load balancers and service managers.
func (s *Server) healthRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		for _, part := range []struct {
			name  string
			check func() error
		}{
			{"store", s.Store.Check},
			{"queue", func() error { return s.Queue.Check(ctx) }},
		} {
			if err := part.check(); err != nil {
				s.Log.Error("not ready", "part", part.name, "error", err)
				p := newProblem(http.StatusServiceUnavailable, "not_ready", "the "+part.name+" is away")
				writeJSON(w, p.Status, p.ContentType(""), p)
				return
			}
		}
		writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ready"})
	})
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client went away
}

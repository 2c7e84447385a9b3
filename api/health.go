package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

// readyTimeout bounds the checks of /readyz together.
const readyTimeout = 3 * time.Second

// healthRoutes are for load balancers and service managers. Anybody may ask, so that
// however often they do, store and queue are asked once in probeAge.
func (s *Server) healthRoutes(mux *router) {
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ok"})
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		for _, part := range []struct {
			name  string
			check func(context.Context) error
		}{
			{"store", s.storeProbe.check},
			{"queue", s.queueProbe.check},
		} {
			if err := part.check(ctx); err != nil {
				if s.unreadyLogs.Allow() {
					s.Log.Error("not ready", "part", part.name, "error", err)
				}
				writeProblem(w, newProblem(http.StatusServiceUnavailable, "not_ready", "the "+part.name+" is away"))
				return
			}
		}
		writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ready"})
	})
}

// checkQueue asks whether the queue is there, now.
func (s *Server) checkQueue(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return s.Queue.Check(ctx)
}

// writeProblem writes a problem where huma does not.
func writeProblem(w http.ResponseWriter, p *Problem) {
	maps.Copy(w.Header(), p.header)
	writeJSON(w, p.Status, p.ContentType(""), p)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client went away
}

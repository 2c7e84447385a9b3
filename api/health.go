package api

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"time"
)

// readyTimeout limits how long the checks of /readyz may take together.
const readyTimeout = 3 * time.Second

// healthRoutes adds the routes for load balancers and service managers. They need no key. Store and
// queue are therefore checked at most once in probeAge, however many requests there are.
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
					s.Log.Error("not ready, because a part is unavailable", "part", part.name, "error", err)
				}
				writeProblem(w, newProblem(http.StatusServiceUnavailable, "not_ready", "the "+part.name+" is unavailable"))
				return
			}
		}
		writeJSON(w, http.StatusOK, "application/json", map[string]string{"status": "ready"})
	})
}

// checkQueue returns an error if the queue is unavailable.
func (s *Server) checkQueue(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return s.Queue.Check(ctx)
}

// writeProblem writes a problem as the response, for handlers that are not huma's.
func writeProblem(w http.ResponseWriter, p *Problem) {
	maps.Copy(w.Header(), p.header)
	writeJSON(w, p.Status, p.ContentType(""), p)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // an error means that the client has disconnected
}

package api

import (
	"net/http"
	"strings"
)

// plainErrors turns the mux's own refusals, which are plain text, into
// problems: 404 where there is nothing at all, and 405 where there is something
// for another method.
func plainErrors(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "" {
				allowed = append(allowed, method)
			}
		}
		p := newProblem(http.StatusNotFound, "not_found", "nothing is here; the page is at / and the API's description at /v1/openapi.json")
		if len(allowed) > 0 {
			p = newProblem(http.StatusMethodNotAllowed, "method_not_allowed", r.Method+" is not offered here, but "+strings.Join(allowed, ", "))
			w.Header().Set("Allow", strings.Join(allowed, ", "))
		}
		writeProblem(w, p)
	})
}

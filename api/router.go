package api

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// A router is an [http.ServeMux] that can list its patterns.
type router struct {
	http.ServeMux
	patterns []string // such as GET /v1/jobs/{id}
}

// HandleFunc is like [http.ServeMux.HandleFunc].
func (m *router) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.HandleFunc(pattern, handler)
}

// methods returns all methods that occur in patterns.
func (m *router) methods() []string {
	all := []string{http.MethodHead} // which GET patterns match too
	for _, p := range m.patterns {
		method, _, _ := strings.Cut(p, " ")
		all = append(all, method)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// muxErrors returns a handler that replaces the mux's own error responses, which are plain text, by
// problems: 404 for an unknown path, and 405 for a path that has other methods.
func muxErrors(mux *router) http.Handler {
	methods := mux.methods()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		var allowed []string
		for _, method := range methods {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "" {
				allowed = append(allowed, method)
			}
		}
		p := newProblem(http.StatusNotFound, "not_found", "there is nothing at this address; the page is at / and the API's description at /v1/openapi.json")
		if len(allowed) > 0 {
			p = newProblem(http.StatusMethodNotAllowed, "method_not_allowed", r.Method+" is not supported here; supported: "+strings.Join(allowed, ", "))
			p.header = http.Header{"Allow": {strings.Join(allowed, ", ")}}
		}
		writeProblem(w, p)
	})
}

// cleanPath returns a handler that removes repeated slashes and the segments . and .. from paths.
// The mux would redirect to the clean path instead, but without the stage's prefix that the
// request's address had.
func cleanPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent := r.URL.EscapedPath()
		clean := path.Clean("/" + sent)
		if clean != "/" && strings.HasSuffix(sent, "/") {
			clean += "/"
		}
		if decoded, err := url.PathUnescape(clean); err == nil && clean != sent {
			cleaned, address := *r, *r.URL
			address.Path, address.RawPath = decoded, clean
			cleaned.URL = &address
			r = &cleaned
		}
		next.ServeHTTP(w, r)
	})
}

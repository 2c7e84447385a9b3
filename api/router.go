package api

import (
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
)

// A router is a mux that remembers its patterns, since net/http's does not tell
// them.
type router struct {
	http.ServeMux
	patterns []string // such as GET /v1/jobs/{id}
}

// HandleFunc is [http.ServeMux.HandleFunc].
func (m *router) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.HandleFunc(pattern, handler)
}

// methods are those that some path is there for.
func (m *router) methods() []string {
	all := []string{http.MethodHead} // GET stands for it too
	for _, p := range m.patterns {
		method, _, _ := strings.Cut(p, " ")
		all = append(all, method)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// plainErrors turns the mux's own refusals, which are plain text, into
// problems: 404 where there is nothing at all, and 405 where there is something
// for another method.
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
		p := newProblem(http.StatusNotFound, "not_found", "nothing is here; the page is at / and the API's description at /v1/openapi.json")
		if len(allowed) > 0 {
			p = newProblem(http.StatusMethodNotAllowed, "method_not_allowed", r.Method+" is not offered here, but "+strings.Join(allowed, ", "))
			p.header = http.Header{"Allow": {strings.Join(allowed, ", ")}}
		}
		writeProblem(w, p)
	})
}

// straight leaves out what a path has too much of, such as a second slash. The mux
// would redirect, to an address that leaves out a stage prefix as well.
func cleanPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		crooked := r.URL.EscapedPath()
		clean := path.Clean("/" + crooked)
		if clean != "/" && strings.HasSuffix(crooked, "/") {
			clean += "/"
		}
		if decoded, err := url.PathUnescape(clean); err == nil && clean != crooked {
			to, at := *r, *r.URL
			at.Path, at.RawPath = decoded, clean
			to.URL = &at
			r = &to
		}
		next.ServeHTTP(w, r)
	})
}

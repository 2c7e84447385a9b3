package api_test

import (
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/api"
)

// A plainRoute is a route that is not in the API's description: the content type of a successful
// response, empty if there is none, and examples of other responses.
type plainRoute struct {
	media  string
	others []example
}

// plainRoutes are all such routes; TestRoutes compares them with the server's.
var plainRoutes = map[string]plainRoute{
	"GET /healthz": {"application/json", nil},
	"GET /readyz": {"application/json", []example{
		{503, "not_ready", queueUnavailable, retryAfter(true)},
		{503, "not_ready", storeUnavailable, retryAfter(true)},
	}},
	"GET /metrics": {"text/plain; version=0.0.4; charset=utf-8; escaping=underscores", []example{
		{401, "unauthorized", func(s *scene) { s.as = "none" }, nil},
		{403, "forbidden", func(s *scene) { s.as = "right" }, challenges},
	}},
	"GET /v1/openapi.json":     {"application/openapi+json", nil},
	"GET /v1/openapi.yaml":     {"application/openapi+yaml", nil},
	"GET /v1/openapi-3.0.json": {"application/openapi+json", nil},
	"GET /v1/openapi-3.0.yaml": {"application/openapi+yaml", nil},
	"GET /{$}":                 {"text/html; charset=utf-8", file304},
	"GET /gallery":             {"text/html; charset=utf-8", file304},
	"GET /gallery/{$}":         {"", []example{{308, "", nil, leadsTo("/gallery")}}},
}

// pageMedia are the content types of the page's files, each of which has its own route.
var pageMedia = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// file304 are the other responses for the page's files.
var file304 = []example{
	{304, "", with("If-None-Match", "*"), nil},
	{206, "", with("Range", "bytes=0-7"), eightBytes},
	{416, "range_not_satisfiable", with("Range", "bytes=1000000000-"), nil},
}

// TestRoutes checks that each route is described or in plainRoutes, and the examples of the latter.
func TestRoutes(t *testing.T) {
	all := maps.Clone(plainRoutes)
	files, err := filepath.Glob("ui/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		if media, ok := pageMedia[filepath.Ext(f)]; ok {
			all["GET /"+filepath.Base(f)] = plainRoute{media, file304}
		}
	}
	d := describe(t)
	for _, pattern := range patterns(t) {
		method, path, _ := strings.Cut(pattern, " ")
		_, described := d.operations[strings.ToLower(method)+" "+path]
		if _, plain := all[pattern]; described == plain {
			t.Errorf("%s is neither described nor in plainRoutes, or both: add it to the one or the other", pattern)
		}
	}
	for pattern, route := range all {
		if !slices.Contains(patterns(t), pattern) {
			t.Errorf("there is no route %s", pattern)
			continue
		}
		operation := "get " + strings.TrimSuffix(strings.TrimPrefix(pattern, "GET "), "{$}")
		examples := slices.Clone(route.others)
		if route.media != "" {
			examples = append(examples, example{status: 200})
		}
		for _, e := range examples {
			t.Run(strings.TrimSpace(fmt.Sprintf("%s %d %s", pattern, e.status, e.code)), func(t *testing.T) {
				t.Parallel()
				s := newScene(t, measured, e.arrange)
				resp, body := s.play(operation)
				if media := resp.Header.Get("Content-Type"); resp.StatusCode != e.status || resp.StatusCode < 300 && media != route.media {
					t.Fatalf("got %s %s %.300s, want %d %s", resp.Status, media, body, e.status, route.media)
				}
				if e.code != "" {
					wantProblem(t, resp, body, e.status, e.code, "")
					d.valid(t, "/components/schemas/Problem", body)
				}
				if resp.Header.Get("Cache-Control") == "" {
					t.Error("Cache-Control is missing")
				}
				if e.check != nil {
					e.check(s, resp, body)
				}
				s.wantHead(strings.TrimPrefix(operation, "get "), resp)
			})
		}
	}
}

// leadsTo checks that Location is relative, since there may be a stage prefix.
func leadsTo(path string) func(*scene, *http.Response, []byte) {
	return func(s *scene, resp *http.Response, _ []byte) {
		s.Helper()
		where, err := resp.Location()
		if err != nil || where.Path != path || strings.HasPrefix(resp.Header.Get("Location"), "/") {
			s.Errorf("Location: %s, %v", resp.Header.Get("Location"), err)
		}
	}
}

func measured(s *scene) {
	s.keyedService = serveWithKeys(s.T, func(c *api.Config) { c.Depth = &depthReader{} })
}

// patterns returns the routes of a server with all features.
func patterns(t *testing.T) []string {
	t.Helper()
	s := serve(t)
	server, err := api.New(api.Config{Store: s.store, Queue: s.queue, Depth: &depthReader{}})
	if err != nil {
		t.Fatal(err)
	}
	return server.Patterns()
}

// TestOtherRequests checks that each path responds to unsupported methods with 405 and the
// supported ones, and that paths below it are unknown.
func TestOtherRequests(t *testing.T) {
	offered := map[string][]string{}
	for _, pattern := range patterns(t) {
		method, path, _ := strings.Cut(pattern, " ")
		path = strings.NewReplacer("{$}", "", "{id}", "x", "{name}", "x").Replace(path)
		offered[path] = append(offered[path], method)
		if method == http.MethodGet {
			offered[path] = append(offered[path], http.MethodHead)
		}
	}
	s := newScene(t, measured)
	d := describe(t)
	for path, methods := range offered {
		slices.Sort(methods)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} {
			if slices.Contains(methods, method) {
				continue
			}
			resp, body := s.request("none", method, path, "", nil)
			if allow := resp.Header.Get("Allow"); allow != strings.Join(methods, ", ") {
				t.Errorf("%s %s: got Allow: %s, want %v", method, path, allow, methods)
			}
			if method == http.MethodHead {
				continue
			}
			wantProblem(t, resp, body, 405, "method_not_allowed", method)
			d.valid(t, "/components/schemas/Problem", body)
		}
		for _, method := range []string{"GET", "POST", "DELETE"} {
			resp, body := s.request("none", method, strings.TrimSuffix(path, "/")+"/nothing/", "", nil)
			wantProblem(t, resp, body, 404, "not_found", "")
			d.valid(t, "/components/schemas/Problem", body)
		}
	}
}

// TestUncleanPaths checks that paths are cleaned. A redirect would lead to an address without the
// stage prefix, which the API does not know.
func TestUncleanPaths(t *testing.T) {
	g := serveWithKeys(t)
	for path, status := range map[string]int{
		"//v1/styles": 200, "/v1//styles": 200, "/v1/./styles": 200, "/v1/jobs/../styles?x=//": 200, "//": 200, "//gallery": 200,
		"//gallery/": 308, "//v1/jobs": 401, "/v1/styles/": 404, "//nothing": 404, "/v1/%2e%2e/v1/styles": 404, "/v1/jobs/a%2f%2fb": 401,
	} {
		resp, body := g.get(path)
		if resp.StatusCode != status {
			t.Errorf("%s: got %s, want %d: %.100s", path, resp.Status, status, body)
		}
		if to := resp.Header.Get("Location"); strings.HasPrefix(to, "/") {
			t.Errorf("%s leads to %s", path, to)
		}
	}
}

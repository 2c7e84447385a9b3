package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// A rule is the expected responses of a request to each of the callers. If its path has a job, that
// is anna's.
type rule struct {
	state    job.State // of the job
	statuses string    // in the order of callers
}

// rules has a row for each operation of the API's description; TestPermissions fails if one is
// missing.
var rules = map[string]rule{
	//                                   none wrong other submit read right admin keyless
	"post /v1/jobs":                   {"", "401 401 202 202 403 202 202 202"},
	"post /v1/uploads":                {"", "401 401 201 201 403 201 201 201"},
	"get /v1/jobs":                    {"", "401 401 200 403 200 200 200 200"},
	"get /v1/gallery":                 {"", "200 200 200 200 200 200 200 200"},
	"get /v1/jobs/{id}":               {job.Queued, "401 401 404 403 200 200 200 200"},
	"get /v1/jobs/{id}/result":        {job.Succeeded, "401 401 404 403 200 200 200 200"},
	"get /v1/jobs/{id}/thumbnail":     {job.Succeeded, "401 401 404 403 404 404 404 404"}, // it is private
	"get /v1/jobs/{id}/preview":       {job.Failed, "401 401 404 403 200 200 200 200"},
	"post /v1/jobs/{id}/cancel":       {job.Queued, "401 401 404 200 403 200 200 200"},
	"post /v1/jobs/{id}/retry":        {job.Failed, "401 401 404 202 403 202 202 202"},
	"delete /v1/jobs/{id}":            {job.Succeeded, "401 401 404 204 403 204 204 204"},
	"post /v1/admin/redrive":          {"", "401 401 403 403 403 403 200 200"},
	"get /v1/styles":                  {"", "200 200 200 200 200 200 200 200"},
	"get /v1/styles/{name}/thumbnail": {"", "200 200 200 200 200 200 200 200"},
}

func TestPermissions(t *testing.T) {
	g := serveWithKeys(t, func(c *api.Config) { c.Uploads = &uploadsInMemory{} })
	described := map[string]bool{}
	for _, operation := range g.operations() {
		described[operation] = true
		if _, ok := rules[operation]; !ok {
			t.Errorf("there is no rule for who may %s: add it to the table", operation)
		}
	}
	contentType, body := form(t, field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
	for operation, r := range rules {
		if !described[operation] {
			t.Errorf("%s is not an operation of the API's description", operation)
			continue
		}
		method, path, _ := strings.Cut(operation, " ")
		method = strings.ToUpper(method)
		for i, want := range strings.Fields(r.statuses) {
			path := strings.ReplaceAll(path, "{name}", style.Names()[0])
			if strings.Contains(path, "{id}") {
				path = strings.ReplaceAll(path, "{id}", string(g.annas(r.state)))
			}
			var resp *http.Response
			var answer []byte
			switch path {
			case "/v1/jobs":
				resp, answer = g.request(callers[i], method, path, contentType, body)
			case "/v1/uploads":
				resp, answer = g.request(callers[i], method, path, "application/json", []byte(`{"bytes":7}`))
			case "/v1/admin/redrive":
				resp, answer = g.request(callers[i], method, path, "application/json", []byte(`{"ids":["x"]}`))
			default:
				resp, answer = g.request(callers[i], method, path, "", nil)
			}
			g.expect(resp, answer, want, callers[i]+": "+method+" "+path)
		}

		// A job that is gone: to its owner it is, to others it never was.
		if !strings.Contains(path, "{id}") {
			continue
		}
		path = strings.ReplaceAll(path, "{id}", string(g.annas("gone")))
		gone := strings.Fields(r.statuses)
		if strings.HasSuffix(path, "/thumbnail") { // that there was none matters no more
			gone = strings.Fields(rules["get /v1/jobs/{id}/result"].statuses)
		}
		for i, as := range callers {
			want := gone[i]
			if want < "300" {
				want = "410"
			}
			resp, answer := g.request(as, method, path, "", nil)
			g.expect(resp, answer, want, as+": gone: "+method+" "+path)
		}
	}
}

// expect compares the status, problem code and challenge of a response.
func (g *keyedService) expect(resp *http.Response, body []byte, want, what string) {
	g.Helper()
	code := map[string]string{"401": "unauthorized", "403": "forbidden", "404": "not_found", "410": "gone"}[want]
	var p api.Problem
	_ = json.Unmarshal(body, &p) // a picture is none
	if fmt.Sprint(resp.StatusCode) != want || p.Code != code {
		g.Errorf("%s: got %s %.200q, want %s %s", what, resp.Status, body, want, code)
	}
	if challenge := resp.Header.Get("WWW-Authenticate"); strings.HasPrefix(challenge, "Bearer") != (want == "401" || want == "403") {
		g.Errorf("%s: %s with the challenge %q", what, resp.Status, challenge)
	}
}

// operations returns the operations of the API's description.
func (s *service) operations() (all []string) {
	s.Helper()
	_, body := s.get("/v1/openapi.json")
	var doc struct {
		Paths map[string]map[string]struct {
			Security []map[string][]string
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		s.Fatal(err)
	}
	for path, methods := range doc.Paths {
		for method, operation := range methods {
			all = append(all, method+" "+path)
			if len(operation.Security) == 0 {
				s.Errorf("%s %s does not say who may", method, path)
			}
		}
	}
	return all
}

// Public paths need no key and ignore one.
func TestPublicPathsNeedNoKey(t *testing.T) {
	g := serveWithKeys(t)
	files, err := filepath.Glob("ui/*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	paths := []string{"/", "/gallery", "/v1/openapi.json", "/healthz", "/readyz"}
	for _, f := range files {
		if name := filepath.Base(f); filepath.Ext(name) != ".html" {
			paths = append(paths, "/"+name)
		}
	}
	for _, path := range paths {
		for _, as := range callers {
			if resp, body := g.request(as, "GET", path, "", nil); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %s: %s %.100s", as, path, resp.Status, body)
			}
		}
	}
	for _, as := range callers {
		resp, body := g.request(as, "GET", "/nothing", "", nil)
		wantProblem(t, resp, body, 404, "not_found", "")
	}
}

func TestPublicJobsShowOnlyResultAndThumbnail(t *testing.T) {
	g := serveWithKeys(t)
	public := field{name: "public", value: "true"}
	private, shown, unfinished, failed := g.annas(job.Succeeded), g.annas(job.Succeeded, public), g.annas(job.Queued, public), g.annas(job.Failed, public)
	if j, err := g.store.Job(private); err != nil || j.Public || j.Owner != "anna" {
		t.Errorf("a job with a key: %+v, %v", j, err)
	}
	for _, as := range callers {
		resp, body := g.request(as, "GET", "/v1/gallery", "", nil)
		var p jobPage
		if err := json.Unmarshal(body, &p); err != nil || len(p.Jobs) != 1 || p.Jobs[0].ID != shown || bytes.Contains(body, []byte("anna")) {
			t.Errorf("%s: the gallery: %s %s", as, resp.Status, body)
		}
	}
	answers := func(id job.ID, of, statuses string) {
		t.Helper()
		for i, want := range strings.Fields(statuses) {
			if resp, body := g.request(callers[i], "GET", "/v1/jobs/"+string(id)+of, "", nil); fmt.Sprint(resp.StatusCode) != want {
				t.Errorf("%s: %s: %s %.100q, want %s", callers[i], of, resp.Status, body, want)
			}
		}
	}
	//                                none wrong other submit read right admin keyless
	answers(private, "/result", "401 401 404 403 200 200 200 200")
	answers(private, "/thumbnail", "401 401 404 403 404 404 404 404")
	for _, of := range []string{"/result", "/thumbnail"} {
		answers(shown, of, "200 401 200 200 200 200 200 200")
		answers(unfinished, of, "401 401 404 403 409 409 409 409")
		answers(failed, of, "401 401 404 403 409 409 409 409")
	}
	for _, path := range []string{"", "/preview"} {
		resp, body := g.request("other", "GET", "/v1/jobs/"+string(shown)+path, "", nil)
		wantProblem(t, resp, body, 404, "not_found", "")
	}
}

func TestListsShowOnlyTheOwnersJobs(t *testing.T) {
	g := serveWithKeys(t)
	annas, bertas, unowned := g.submitAs("right").ID, g.submitAs("other").ID, g.submitAs("keyless").ID
	for as, want := range map[string][]job.ID{
		"right": {annas}, "read": {annas}, "other": {bertas},
		"admin": {unowned, bertas, annas}, "keyless": {unowned, bertas, annas},
	} {
		_, body := g.request(as, "GET", "/v1/jobs", "", nil)
		var p jobPage
		_ = json.Unmarshal(body, &p)
		var got []job.ID
		for _, j := range p.Jobs {
			got = append(got, j.ID)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", as, got, want)
		}
	}
	resp, body := g.request("right", "GET", "/v1/jobs/"+string(unowned), "", nil)
	wantProblem(t, resp, body, 404, "not_found", "")
}

// A job belongs to its owner in all states.
func TestJobKeepsItsOwner(t *testing.T) {
	g := serveWithKeys(t)
	id := g.annas(job.Failed)
	path := "/v1/jobs/" + string(id)
	see := func(when string) {
		t.Helper()
		if resp, body := g.request("right", "GET", path, "", nil); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: its owner: %s %s", when, resp.Status, body)
		}
		if resp, body := g.request("other", "GET", path, "", nil); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: another: %s %s", when, resp.Status, body)
		}
	}
	see("failed")
	g.request("right", "POST", path+"/retry", "", nil)
	see("retried")
	lease := g.claim(id, 2)
	see("running")
	g.request("right", "POST", path+"/cancel", "", nil)
	see("canceled")
	_ = lease.Release(false) // it is lost
	g.request("admin", "POST", "/v1/admin/redrive", "application/json", fmt.Appendf(nil, `{"ids":[%q]}`, id))
	see("redriven")
	if err := g.claim(id, 3).Succeed(jpegPicture(t), nil, job.Result{ContentType: "image/jpeg"}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	see("painted")
}

func TestIdempotencyKeysArePerOwner(t *testing.T) {
	g := serveWithKeys(t)
	contentType, body := form(t, field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
	ids := map[job.ID]string{}
	for _, as := range []string{"right", "submit", "other", "admin"} {
		_, answer := g.request(as, "POST", "/v1/jobs", contentType, body, "Idempotency-Key", "one")
		var j job.Job
		if err := json.Unmarshal(answer, &j); err != nil {
			t.Fatal(err)
		}
		ids[j.ID] += as + " "
	}
	if len(ids) != 3 {
		t.Errorf("got %v, want a job for each owner", ids)
	}
}

func TestInvalidAuthorizationHeaders(t *testing.T) {
	g := serveWithKeys(t)
	right := g.keys["right"]
	for header, want := range map[string]int{
		"Bearer " + right: 200, "bearer " + right: 200, "BEARER  " + right: 200,
		right: 401, "Basic " + right: 401, "Bearer": 401, "Bearer ": 401, "Bearer " + right + "x": 401, "": 401,
		"Bearer " + strings.ToLower(right): 401,
	} {
		resp, body := g.request("none", "GET", "/v1/jobs", "", nil, "Authorization", header)
		if resp.StatusCode != want {
			t.Errorf("%q: got %s %s, want %d", strings.ReplaceAll(header, right, "KEY"), resp.Status, body, want)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", g.url+"/v1/jobs", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Authorization"] = []string{"Bearer " + right, "Bearer " + right}
	if resp, body := g.do(req); resp.StatusCode != 401 {
		t.Errorf("two keys: %s %s", resp.Status, body)
	}
	for range 100 {
		g.request("wrong", "GET", "/v1/jobs", "", nil)
	}
	if n := strings.Count(g.log.String(), "unknown API key"); n < 1 || n > 40 {
		t.Errorf("%d of 107 wrong keys were logged, want some, not all", n)
	}
	if strings.Contains(g.log.String(), right[8:]) || strings.Contains(strings.ToLower(g.log.String()), strings.ToLower(right[8:])) {
		t.Error("a key was logged")
	}
}

// With keys, a server may have any name. Requests from other sites' pages are refused too, without
// headers that would let the pages read responses.
func TestCrossOriginRequestsWithKeys(t *testing.T) {
	g := serveWithKeys(t)
	shown := g.annas(job.Succeeded, field{name: "public", value: "true"})
	for _, as := range []string{"none", "right"} {
		resp, body := g.request(as, "GET", "/v1/styles", "", nil, "Host", "atelier.example")
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Vary") != "Authorization" {
			t.Errorf("%s: another Host: %s %v %s", as, resp.Status, resp.Header, body)
		}
		resp, body = g.request(as, "GET", "/v1/jobs/"+string(shown)+"/result", "", nil, "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors")
		wantProblem(t, resp, body, 403, "cross_origin", "")
		resp, body = g.request(as, "POST", "/v1/jobs/"+string(shown)+"/cancel", "", nil, "Origin", "https://evil.example")
		wantProblem(t, resp, body, 403, "cross_origin", "")
		resp, _ = g.request(as, "OPTIONS", "/v1/jobs", "", nil, "Origin", "https://evil.example", "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
		for name := range resp.Header {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("%s: %s: %s", as, name, resp.Header.Get(name))
			}
		}
		if resp.StatusCode < 400 {
			t.Errorf("%s: a preflight: %s", as, resp.Status)
		}
	}
	resp, body := g.request("keyless", "GET", "/v1/styles", "", nil, "Host", "atelier.example")
	wantProblem(t, resp, body, 403, "cross_origin", "")
}

// A key in the URL is ignored, because URLs are logged.
func TestKeysInURLsAreIgnored(t *testing.T) {
	g := serveWithKeys(t)
	for _, name := range []string{"access_token", "key"} {
		resp, body := g.request("none", "GET", "/v1/jobs?"+name+"="+url.QueryEscape("atelier_x"), "", nil)
		wantProblem(t, resp, body, 401, "unauthorized", "Authorization: Bearer")
	}
}

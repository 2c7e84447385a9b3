package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// An example is one response of an operation: the situation, and checks that the API's description
// does not contain.
type example struct {
	status  int
	code    string                               // of a problem
	arrange func(*scene)                         // nil changes nothing
	check   func(*scene, *http.Response, []byte) // nil checks nothing more
}

// A scene is the API in a situation, and the request to send.
type scene struct {
	*keyedService
	as          string // one of callers
	id          job.ID // stands for {id}
	name        string // stands for {name}
	query       string
	header      []string
	contentType string
	body        []byte
	stalls      bool             // the body never ends
	inbox       *uploadsInMemory // of withUploads
}

func newScene(t *testing.T, arrange ...func(*scene)) *scene {
	s := &scene{keyedService: serveWithKeys(t), as: "keyless", name: style.Names()[0]}
	for _, change := range arrange {
		if change != nil {
			change(s)
		}
	}
	return s
}

// play sends the request of an operation, such as get /v1/jobs/{id}.
func (s *scene) play(operation string) (*http.Response, []byte) {
	s.Helper()
	method, path, _ := strings.Cut(operation, " ")
	path = strings.NewReplacer("{id}", string(s.id), "{name}", s.name).Replace(path) + s.query
	header := s.header
	if s.contentType != "" {
		header = append(header, "Content-Type", s.contentType)
	}
	if s.stalls {
		return s.stall(strings.ToUpper(method), path, header)
	}
	return s.request(s.as, strings.ToUpper(method), path, "", s.body, header...)
}

// TestContract compares the responses of every operation with the API's description: there is an
// example of each operation and status, in contract or among the usual ones, and no response that
// is not described.
func TestContract(t *testing.T) {
	d := describe(t)
	for operation := range contract {
		if _, ok := d.operations[operation]; !ok {
			t.Errorf("there are examples of %s, which is not described", operation)
		}
	}
	for operation, o := range d.operations {
		examples := contract[operation]
		if len(examples) == 0 {
			t.Errorf("%s has no examples: add them to contract", operation)
			continue
		}
		examples = append(slices.Clone(examples), o.usual(operation, examples[0])...)
		for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
			if !slices.ContainsFunc(examples, func(e example) bool { return fmt.Sprint(e.status) == status }) {
				t.Errorf("%s is described to answer %s, and has no example of it: add one to contract", operation, status)
			}
		}
		for _, e := range examples {
			t.Run(strings.TrimSpace(fmt.Sprintf("%s %d %s", operation, e.status, e.code)), func(t *testing.T) {
				t.Parallel()
				s := newScene(t, e.arrange)
				resp, body := s.play(operation)
				if resp.StatusCode != e.status {
					t.Fatalf("got %s %.300s, want %d", resp.Status, body, e.status)
				}
				if d.hold(t, operation, o, resp, body); e.code != "" {
					wantProblem(t, resp, body, e.status, e.code, "")
				}
				if bytes.Contains(body, []byte(s.store.Dir())) {
					t.Errorf("the response contains the path of the store: %s", body)
				}
				if e.check != nil {
					e.check(s, resp, body)
				}
				if path, ok := strings.CutPrefix(operation, "get "); ok && e.status != http.StatusSeeOther { // a link is signed only for GET
					s.wantHead(path, resp)
				}
			})
		}
	}
}

// wantHead checks that the response to HEAD is that to GET without the body.
func (s *scene) wantHead(path string, got *http.Response) {
	s.Helper()
	resp, body := s.play("head " + path)
	for _, name := range promised {
		if resp.Header.Get(name) != got.Header.Get(name) {
			s.Errorf("HEAD has %s %q, GET %q", name, resp.Header.Get(name), got.Header.Get(name))
		}
	}
	if resp.StatusCode != got.StatusCode || len(body) > 0 {
		s.Errorf("HEAD: got %s and %d bytes, want %s and none", resp.Status, len(body), got.Status)
	}
}

// promised are the headers that a response may have only if they are described.
var promised = []string{"Accept-Ranges", "Cache-Control", "Content-Range", "ETag", "Location", "Retry-After", "WWW-Authenticate"}

// A description is the API's OpenAPI document.
type description struct {
	operations map[string]operation // such as get /v1/jobs/{id}
	schemas    *jsonschema.Compiler
	mu         sync.Mutex // of schemas
}

type operation struct {
	Security  []map[string][]string
	Responses map[string]struct {
		Description string
		Headers     map[string]struct {
			Description string
			Required    bool
		}
		Content map[string]any
	}
}

func describe(t *testing.T) *description {
	t.Helper()
	_, body := serve(t).get("/v1/openapi.json")
	var doc struct {
		Paths map[string]map[string]operation
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	d := &description{operations: map[string]operation{}, schemas: jsonschema.NewCompiler()}
	for path, methods := range doc.Paths {
		for method, o := range methods {
			d.operations[method+" "+path] = o
		}
	}
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	d.schemas.AssertFormat()
	if err := d.schemas.AddResource("openapi.json", parsed); err != nil {
		t.Fatal(err)
	}
	return d
}

// hold compares a response with the description of its status.
func (d *description) hold(t *testing.T, name string, o operation, resp *http.Response, body []byte) {
	t.Helper()
	status := fmt.Sprint(resp.StatusCode)
	want, ok := o.Responses[status]
	if !ok || want.Description == "" {
		t.Errorf("%s is not described", status)
	}
	for header, h := range want.Headers {
		if h.Description == "" || h.Required && resp.Header.Get(header) == "" {
			t.Errorf("the header %s: %q, and is %q; required is %v", header, h.Description, resp.Header.Get(header), h.Required)
		}
	}
	for _, header := range promised {
		if _, ok := want.Headers[header]; !ok && resp.Header.Get(header) != "" {
			t.Errorf("the header %s: %s is not described", header, resp.Header.Get(header))
		}
	}
	media := resp.Header.Get("Content-Type")
	if len(want.Content) == 0 {
		if media != "" || len(body) > 0 {
			t.Errorf("an answer without content is %q %.100q", media, body)
		}
		return
	}
	if _, ok := want.Content[media]; !ok {
		t.Errorf("it is %s, described are %v", media, slices.Sorted(maps.Keys(want.Content)))
		return
	}
	if strings.Contains(media, "json") {
		method, path, _ := strings.Cut(name, " ")
		escaped := strings.NewReplacer("~", "~0", "/", "~1")
		d.valid(t, fmt.Sprintf("/paths/%s/%s/responses/%s/content/%s/schema", escaped.Replace(path), method, status, escaped.Replace(media)), body)
	}
}

// valid validates JSON by a schema of the description.
func (d *description) valid(t *testing.T, pointer string, body []byte) {
	t.Helper()
	d.mu.Lock()
	schema, err := d.schemas.Compile("openapi.json#" + pointer)
	d.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err == nil {
		err = schema.Validate(v)
	}
	if err != nil {
		t.Errorf("%s: %v", body, err)
	}
}

package api_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// contract has examples of the responses of each operation. The first is a successful one; the
// examples in contract_usual_test.go, which are common to all operations, start from its situation.
// A new operation needs an entry here, and a new status an example; TestContract names what is
// missing.
var contract = map[string][]example{
	"post /v1/jobs": {
		{202, "", submission(), promisesJob},
		{202, "", both(submission(), underKey("one"), again("post /v1/jobs")), promisesJob},
		{400, "malformed_request", func(s *scene) { s.contentType, s.body = "multipart/form-data; boundary=x", []byte("--x") }, nil},
		{408, "too_slow", func(s *scene) {
			s.contentType, s.body, s.stalls = "multipart/form-data; boundary=x", []byte("--x"), true
		}, nil},
		{410, "gone", erasedUnderKey, nil},
		{413, "too_many_bytes", both(submission(), limits(imageio.Limits{Bytes: 100, Pixels: 1e6, Edge: 1000})), nil},
		{413, "too_many_pixels", both(submission(), limits(imageio.Limits{Bytes: 1e6, Pixels: 100, Edge: 1000})), nil},
		{415, "not_multipart", func(s *scene) { s.contentType, s.body = "application/json", []byte("{}") }, nil},
		{415, "unsupported_image", submission(field{"image", "p.jpg", []byte("text")}), nil},
		{422, "invalid_field", submission(field{name: "strength", value: "2"}), namesField("strength")},
		{202, "", both(withUploads, uploaded("right picture")), promisesJob},
		{202, "", both(withUploads, uploaded("right picture"), underKey("one"), again("post /v1/jobs")), promisesJob},
		{404, "upload_not_found", both(withUploads, uploadOf(time.Hour)), nil},
		{409, "upload_taken", both(withUploads, uploaded("right picture"), again("post /v1/jobs")), nil},
		{409, "upload_incomplete", both(withUploads, uploaded("")), retryAfter(false)},
		{410, "upload_expired", both(withUploads, uploadOf(25*time.Hour)), nil},
		{415, "unsupported_image", both(withUploads, uploaded("no picture")), nil},
		{422, "invalid_field", submission(field{name: "upload_id", value: "x"}), namesField("upload_id")},
		{422, "invalid_field", both(withUploads, submission(field{name: "upload_id", value: "x"})), namesField("upload_id")},
		{422, "invalid_field", both(withUploads, uploadAs("")), namesField("upload_id")},
		{422, "invalid_field", both(withUploads, styleAlone), namesField("image")},
		{422, "unknown_style", submission(field{name: "style", value: "none"}), nil},
		{422, "invalid_field", both(submission(), underKey("a key")), namesField("Idempotency-Key")},
		{422, "idempotency_key_reused", both(submission(), underKey("one"), again("post /v1/jobs"), submission(field{name: "size", value: "64"})), nil},
		{429, "quota_exceeded", both(in(job.Queued), both(withQuotas(store.Quotas{Unfinished: 1}), submission())), nil},
		{503, "unavailable", both(submission(), queueUnavailable), nil},
	},
	"post /v1/uploads": {
		{201, "", both(withUploads, jsonBody(`{"bytes": 20000000}`)), nil},
		{400, "malformed_request", both(withUploads, jsonBody(`{`)), nil},
		{404, "uploads_unavailable", jsonBody(`{"bytes": 1}`), nil},
		{408, "too_slow", func(s *scene) { jsonBody(`{`)(s); s.stalls = true }, nil},
		{413, "too_many_bytes", both(withUploads, jsonBody(`{"bytes": 20971521}`)), nil},
		{413, "too_many_bytes", both(withUploads, jsonBody(`{"bytes": 1, "x": "`+strings.Repeat("x", 1<<20)+`"}`)), nil},
		{415, "not_json", func(s *scene) { s.contentType, s.body = "text/plain", []byte("1") }, nil},
		{422, "invalid_field", both(withUploads, jsonBody(`{"bytes": 0}`)), namesField("bytes")},
		{422, "invalid_field", both(withUploads, jsonBody(`{}`)), nil},
		{429, "quota_exceeded", both(withQuotas(store.Quotas{Stored: 1}), withUploads, jsonBody(`{"bytes": 20000000}`)), nil},
	},
	"get /v1/jobs": {
		{200, "", in(job.Queued), nil},
		{422, "invalid_field", query("?state=done"), namesField("state")},
		{422, "invalid_field", query("?cursor=x"), namesField("cursor")},
		{500, "internal", damagedDisk, nil},
	},
	"get /v1/gallery": {
		{200, "", in(job.Succeeded), nil},
		{422, "invalid_field", query("?limit=101"), namesField("limit")},
		{422, "invalid_field", query("?cursor=x"), namesField("cursor")},
		{500, "internal", damagedDisk, nil},
	},
	"get /v1/jobs/{id}": {
		{200, "", in(job.Queued), retryAfter(true)},
		{200, "", in(job.Running), retryAfter(true)},
		{200, "", in(job.Succeeded), retryAfter(false)},
		{200, "", in(job.Failed), retryAfter(false)},
		{200, "", both(in(job.Running), with("If-None-Match", `"another"`)), retryAfter(true)},
		{304, "", both(in(job.Queued), with("If-None-Match", "*")), retryAfter(true)},
		{304, "", both(in(job.Canceled), with("If-None-Match", "*")), retryAfter(false)},
		{304, "", both(in(job.Queued), with("If-None-Match", "*"), query("?wait=1")), retryAfter(true)},
		{422, "invalid_field", both(in(job.Queued), query("?wait=21")), namesField("wait")},
	},
	"get /v1/jobs/{id}/result": {
		{200, "", in(job.Succeeded), nil},
		{200, "", in(job.Succeeded, private), nil},
		{303, "", both(in(job.Succeeded), copied), nil},
		{409, "not_finished", in(job.Running), nil},
		{409, "not_finished", in(job.Failed), nil},
		{409, "not_finished", in(job.Canceled), nil},
		{422, "invalid_field", both(in(job.Succeeded), query("?download=perhaps")), namesField("download")},
	},
	"get /v1/jobs/{id}/thumbnail": {
		{200, "", in(job.Succeeded), nil},
		{303, "", both(in(job.Succeeded), copied), nil},
		{404, "not_found", in(job.Succeeded, private), nil},
		{409, "not_finished", in(job.Running), nil},
		{409, "not_finished", in(job.Failed), nil},
	},
	"get /v1/jobs/{id}/preview": {
		{200, "", in(job.Running), nil},
		{200, "", in(job.Failed), nil},
		{404, "not_found", in(job.Canceled), nil},
		{409, "not_ready", in(job.Queued), retryAfter(true)},
	},
	"post /v1/jobs/{id}/cancel": {
		{200, "", in(job.Running), nil},
		{200, "", in(job.Canceled), nil},
		{409, "finished", in(job.Succeeded), nil},
		{409, "finished", in(job.Failed), nil},
	},
	"post /v1/jobs/{id}/retry": {
		{202, "", in(job.Failed), promisesJob},
		{202, "", in(job.Canceled), promisesJob},
		{202, "", both(in(job.Failed), again("post /v1/jobs/{id}/retry")), promisesJob},
		{409, "not_retryable", in(job.Succeeded), nil},
		{409, "not_retryable", in(job.Running), nil},
		{409, "too_many_runs", both(in(job.Failed), withQuotas(store.Quotas{Runs: 1})), nil},
		{429, "quota_exceeded", both(in(job.Queued), both(in(job.Failed), withQuotas(store.Quotas{Unfinished: 1}))), nil},
		{503, "unavailable", both(in(job.Failed), queueUnavailable), nil},
	},
	"delete /v1/jobs/{id}": {
		{204, "", in(job.Queued), nil},
		{204, "", in(job.Succeeded), nil},
	},
	"post /v1/admin/redrive": {
		{200, "", both(in(job.Failed), func(s *scene) { jsonBody(`{"ids": ["` + string(s.id) + `"]}`)(s) }), nil},
		{200, "", jsonBody(`{"all": true}`), nil},
		{400, "malformed_request", jsonBody(`{`), nil},
		{400, "malformed_request", nil, nil},
		{408, "too_slow", func(s *scene) { jsonBody(`{`)(s); s.stalls = true }, nil},
		{413, "too_many_bytes", jsonBody(`{"code": "` + strings.Repeat("x", 1<<20) + `"}`), nil},
		{415, "not_json", func(s *scene) { s.contentType, s.body = "text/plain", []byte("all") }, nil},
		{422, "invalid_field", jsonBody(`{"all": true, "limit": 0}`), namesField("limit")},
		{500, "internal", both(jsonBody(`{"all": true}`), damagedDisk), nil},
		{503, "unavailable", both(jsonBody(`{"all": true}`), queueUnavailable), nil},
	},
	"get /v1/styles": {
		{200, "", nil, nil},
	},
	"get /v1/styles/{name}/thumbnail": {
		{200, "", nil, nil},
		{404, "not_found", func(s *scene) { s.name = "none" }, nil},
	},
}

// ---- Checks

// promisesJob checks that Location leads to the job, which is unfinished.
func promisesJob(s *scene, resp *http.Response, body []byte) {
	s.Helper()
	where, err := resp.Location()
	if err != nil {
		s.Fatal(err)
	}
	if at, again := s.keyless.get(where.Path); at.StatusCode != http.StatusOK || string(again) != string(body) {
		s.Errorf("at %s: %s %s, want %s", where, at.Status, again, body)
	}
	retryAfter(true)(s, resp, body)
}

func retryAfter(want bool) func(*scene, *http.Response, []byte) {
	return func(s *scene, resp *http.Response, _ []byte) {
		s.Helper()
		if got := resp.Header.Get("Retry-After"); (got != "") != want {
			s.Errorf("Retry-After: %q, want one: %v", got, want)
		}
	}
}

// namesField checks that the problem names a field.
func namesField(name string) func(*scene, *http.Response, []byte) {
	return func(s *scene, _ *http.Response, body []byte) {
		s.Helper()
		if !strings.Contains(string(body), `"errors":[{"field":"`+name+`"`) {
			s.Errorf("%s does not name %s", body, name)
		}
	}
}

// ---- Situations, which are made from the left to the right

func both(arrange ...func(*scene)) func(*scene) {
	return func(s *scene) {
		for _, change := range arrange {
			change(s)
		}
	}
}

var private = field{name: "public", value: "false"}

// in makes a job in a state.
func in(state job.State, more ...field) func(*scene) {
	return func(s *scene) { s.id = s.keyless.in(state, more...) }
}

// submission is a valid submission with some fields replaced.
func submission(fields ...field) func(*scene) {
	return func(s *scene) { s.contentType, s.body = form(s.T, s.goodBut(fields...)...) }
}

func jsonBody(body string) func(*scene) {
	return func(s *scene) { s.contentType, s.body = "application/json", []byte(body) }
}

func query(q string) func(*scene) { return func(s *scene) { s.query = q } }

func with(header, value string) func(*scene) {
	return func(s *scene) { s.header = append(s.header, header, value) }
}

func underKey(key string) func(*scene) { return with("Idempotency-Key", key) }

// again sends the request once before.
func again(operation string) func(*scene) {
	return func(s *scene) {
		if resp, body := s.play(operation); resp.StatusCode >= 300 {
			s.Fatalf("the first time: %s %s", resp.Status, body)
		}
	}
}

func limits(l imageio.Limits) func(*scene) {
	return func(s *scene) { s.keyless = s.beside(func(c *api.Config) { c.Limits = l }) }
}

// copied is a server with a copy of every picture in a bucket.
func copied(s *scene) { s.keyless = s.beside(func(c *api.Config) { c.Copies = elsewhere{} }) }

type elsewhere struct{}

const origin = "https://elsewhere.example"

func (elsewhere) Has(context.Context, string) (bool, error)        { return true, nil }
func (elsewhere) Put(context.Context, string, io.ReadSeeker) error { return nil }
func (elsewhere) Remove(context.Context, ...string) error          { return nil }
func (elsewhere) Origin(context.Context) (string, error)           { return origin, nil }
func (elsewhere) Link(_ context.Context, name, _, _ string) (string, error) {
	return origin + "/" + name + "?signature=x", nil
}

// withUploads is a server with uploads in memory.
func withUploads(s *scene) {
	s.inbox = &uploadsInMemory{}
	s.keyless = s.keyless.beside(func(c *api.Config) { c.Uploads = s.inbox })
}

// uploaded is a submission of an upload that contains the right picture, something else, or
// nothing.
func uploaded(what string) func(*scene) {
	return func(s *scene) {
		content := []byte(what)
		if what == "right picture" {
			content = jpegPicture(s.T)
		}
		u := s.keyless.upload(max(1, len(content)))
		if what != "" {
			s.inbox.put(u.URL, content)
		}
		uploadAs(u.UploadID)(s)
	}
}

func uploadAs(id string) func(*scene) {
	return func(s *scene) {
		s.contentType, s.body = form(s.T, field{name: "upload_id", value: id}, field{name: "style", value: style.Names()[0]})
	}
}

// uploadOf is a submission of an upload that does not exist, with an id of the given age.
func uploadOf(age time.Duration) func(*scene) {
	ms := time.Now().Add(-age).UnixMilli()
	return uploadAs(fmt.Sprintf("%08x-%04x-7c3d-9f10-2b6a4c8d9e0f", ms>>16, ms&0xffff))
}

func styleAlone(s *scene) {
	s.contentType, s.body = form(s.T, field{name: "style", value: style.Names()[0]})
}

func withQuotas(q store.Quotas) func(*scene) {
	return func(s *scene) { s.keyless = s.keyless.limited(q) }
}

func queueUnavailable(s *scene) { s.queue.set(errors.New("connection refused by " + s.store.Dir())) }

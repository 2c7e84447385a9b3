package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

func TestJobLifecycle(t *testing.T) {
	s := serve(t)
	j := s.submit(field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]}, field{name: "format", value: "png"})
	path := "/v1/jobs/" + string(j.ID)

	resp, body := s.get(path)
	etag := resp.Header.Get("ETag")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Retry-After") == "" || etag == "" || !bytes.Contains(body, []byte(`"queued"`)) {
		t.Fatalf("queued: %s %v %s", resp.Status, resp.Header, body)
	}
	if resp, body := s.get(path, "If-None-Match", etag); resp.StatusCode != 304 || len(body) != 0 || resp.Header.Get("ETag") != etag {
		t.Errorf("unchanged: %s %v %s", resp.Status, resp.Header, body)
	}
	for _, header := range []string{"W/" + etag, `"x", ` + etag, "*"} {
		if resp, _ := s.get(path, "If-None-Match", header); resp.StatusCode != 304 {
			t.Errorf("If-None-Match: %s: %s", header, resp.Status)
		}
	}
	resp, body = s.get(path + "/result")
	wantProblem(t, resp, body, 409, "not_finished", "queued")

	lease, err := s.store.Claim(t.Context(), j.ID, 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	resp, body = s.get(path, "If-None-Match", etag)
	if resp.StatusCode != http.StatusOK || !bytes.Contains(body, []byte(`"running"`)) {
		t.Errorf("running: %s %s", resp.Status, body)
	}
	painted := pngPicture(t)
	if err := lease.Succeed(painted, nil, job.Result{Width: 60, Height: 40, ContentType: "image/png"}, job.Receipt{Worker: "daemon"}); err != nil {
		t.Fatal(err)
	}
	resp, body = s.get(path)
	if err := json.Unmarshal(body, &j); err != nil || j.State != job.Succeeded || resp.Header.Get("Retry-After") != "" {
		t.Fatalf("finished: %s", body)
	}
	if j.Result.URL != "v1/jobs/"+string(j.ID)+"/result" || j.Result.Bytes != int64(len(painted)) || len(j.Result.SHA256) != 64 {
		t.Errorf("the result: %+v", j.Result)
	}
	resp, body = s.get("/" + j.Result.URL)
	if !bytes.Equal(body, painted) || resp.Header.Get("Content-Type") != "image/png" || resp.Header.Get("ETag") != `"`+j.Result.SHA256+`"` ||
		!strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("the picture: %d bytes, %v", len(body), resp.Header)
	}
	if resp, body := s.get("/"+j.Result.URL, "Range", "bytes=0-7"); resp.StatusCode != 206 || !bytes.Equal(body, painted[:8]) {
		t.Errorf("a range: %s, %d bytes", resp.Status, len(body))
	}
	if resp, _ := s.get("/"+j.Result.URL, "If-None-Match", `"`+j.Result.SHA256+`"`); resp.StatusCode != 304 {
		t.Errorf("the picture again: %s", resp.Status)
	}
}

// A preview is what the worker has stored, with its own ETag; the submitted picture is never
// returned instead.
func TestPreview(t *testing.T) {
	s := serve(t)
	id := s.in(job.Queued)
	path := "/v1/jobs/" + string(id) + "/preview"
	resp, body := s.get(path)
	wantProblem(t, resp, body, 409, "not_ready", "")
	if resp.Header.Get("Retry-After") != "1" {
		t.Errorf("Retry-After: got %q, want 1", resp.Header.Get("Retry-After"))
	}
	s.begun(id)
	resp, body = s.get(path)
	etag := resp.Header.Get("ETag")
	if !bytes.Equal(body, jpegPicture(t)) || resp.Header.Get("Content-Type") != "image/jpeg" || etag == "" {
		t.Errorf("%s: %d bytes, %v", resp.Status, len(body), resp.Header)
	}
	if resp, body = s.get(path, "If-None-Match", etag); resp.StatusCode != 304 || len(body) > 0 {
		t.Errorf("with its ETag: %s, %d bytes", resp.Status, len(body))
	}
	canceled := s.in(job.Canceled)
	resp, body = s.get("/v1/jobs/" + string(canceled) + "/preview")
	wantProblem(t, resp, body, 404, "not_found", "without a preview")
}

func TestFailedJobHasReason(t *testing.T) {
	s := serve(t)
	j := s.submit(field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
	lease, err := s.store.Claim(t.Context(), j.ID, 1, "test")
	if err != nil {
		t.Fatal(err)
	}
	if err := lease.Fail(job.Failure{Code: "damaged_image", Message: "the image is damaged"}); err != nil {
		t.Fatal(err)
	}
	if _, body := s.get("/v1/jobs/" + string(j.ID)); !bytes.Contains(body, []byte(`"error":{"code":"damaged_image","message":"the image is damaged"}`)) {
		t.Errorf("got %s", body)
	}
	resp, body := s.get("/v1/jobs/" + string(j.ID) + "/result")
	wantProblem(t, resp, body, 409, "not_finished", "failed")
}

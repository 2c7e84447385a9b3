package api_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

func TestThumbnail(t *testing.T) {
	s := serve(t)
	submit := func(public, format string) job.ID {
		return s.submit(field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]}, field{name: "public", value: public},
			field{name: "format", value: format}).ID
	}
	result := job.Result{Width: 60, Height: 40, ContentType: "image/png"}
	public, old, private := submit("true", "png"), submit("true", "jpeg"), submit("false", "png")

	resp, body := s.get("/v1/jobs/" + string(public) + "/thumbnail")
	wantProblem(t, resp, body, 409, "not_finished", "queued")

	small := jpegPicture(t)
	if err := s.claim(public, 1).Succeed(pngPicture(t), small, result, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	var j job.Job
	if _, body := s.get("/v1/jobs/" + string(public)); json.Unmarshal(body, &j) != nil || j.Result == nil {
		t.Fatalf("the job: %s", body)
	}
	if want := "v1/jobs/" + string(public) + "/thumbnail"; j.Result.ThumbnailURL != want {
		t.Fatalf("thumbnail_url: got %q, want %q", j.Result.ThumbnailURL, want)
	}
	resp, body = s.get("/" + j.Result.ThumbnailURL)
	tag := resp.Header.Get("ETag")
	if !bytes.Equal(body, small) || resp.Header.Get("Content-Type") != "image/jpeg" || tag == `"`+j.Result.SHA256+`"` ||
		!strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
		t.Errorf("%s, %d bytes, %v", resp.Status, len(body), resp.Header)
	}
	if resp, _ := s.get("/"+j.Result.ThumbnailURL, "If-None-Match", tag); tag == "" || resp.StatusCode != http.StatusNotModified {
		t.Errorf("once more, with the ETag %s: %s", tag, resp.Status)
	}

	// A small JPEG is its own thumbnail.
	if err := s.claim(old, 1).Succeed(jpegPicture(t), nil, result, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	if resp, body := s.get("/v1/jobs/" + string(old) + "/thumbnail"); !bytes.Equal(body, jpegPicture(t)) || resp.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%s, %d bytes, %v", resp.Status, len(body), resp.Header)
	}

	if err := s.claim(private, 1).Succeed(pngPicture(t), nil, result, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	resp, body = s.get("/v1/jobs/" + string(private) + "/thumbnail")
	wantProblem(t, resp, body, 404, "not_found", "not public has no thumbnail")
	if _, body := s.get("/v1/jobs/" + string(private)); bytes.Contains(body, []byte("thumbnail_url")) {
		t.Errorf("a job that is not public: %s", body)
	}
	if err := s.store.Erase(public, store.Erased); err != nil {
		t.Fatal(err)
	}
	resp, body = s.get("/v1/jobs/" + string(public) + "/thumbnail")
	wantProblem(t, resp, body, 410, "gone", "")
	resp, body = s.get("/v1/jobs/x/thumbnail")
	wantProblem(t, resp, body, 404, "not_found", "")
}

package api_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/uploads"
)

// A request reads the object after another has made a job of it and removed it. It returns that job
// if it is the same request, and else upload_taken.
func TestUploadTakenDuringLookup(t *testing.T) {
	picture := jpegPicture(t)
	for name, c := range map[string]struct {
		keys [2]string
		same bool
	}{"the same request": {[2]string{"one", "one"}, true}, "another": {[2]string{"one", "two"}, false}} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, withUploads)
			u := s.keyless.upload(len(picture))
			s.inbox.put(u.URL, picture)
			var first job.Job
			s.inbox.before = func() {
				s.inbox.before = nil
				first = s.keyless.taken(u.UploadID, "Idempotency-Key", c.keys[0])
			}
			resp, body := s.keyless.take(u.UploadID, "Idempotency-Key", c.keys[1])
			if !c.same {
				wantProblem(t, resp, body, 409, "upload_taken", "")
				return
			}
			var j job.Job
			if err := json.Unmarshal(body, &j); err != nil || j.ID != first.ID || resp.StatusCode != http.StatusAccepted {
				t.Errorf("%s %s, want job %s", resp.Status, body, first.ID)
			}
		})
	}
}

// A submission that fails after its upload was taken is completed by the same request.
func TestUploadSurvivesFailures(t *testing.T) {
	picture := jpegPicture(t)
	for name, key := range map[string][]string{"under a key": {"Idempotency-Key", "one"}, "without a key": nil} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, withUploads)
			u := s.keyless.upload(len(picture))
			s.inbox.put(u.URL, picture)
			s.queue.set(errors.New("away"))
			resp, body := s.keyless.take(u.UploadID, key...)
			wantProblem(t, resp, body, 503, "unavailable", "")
			s.queue.set(nil)
			s.keyless.taken(u.UploadID, key...)
			if jobs, _, err := s.store.List(store.Query{Limit: 3}); err != nil || len(jobs) != 1 || s.inbox.left() != 0 {
				t.Errorf("jobs: %v, %v; %d uploads are left", jobs, err, s.inbox.left())
			}
		})
	}
}

// The picture that a client has uploaded is erased with the job, if it could not be removed when the
// job was submitted.
func TestErasureRemovesUpload(t *testing.T) {
	s := newScene(t, withUploads)
	picture := jpegPicture(t)
	u := s.keyless.upload(len(picture))
	s.inbox.put(u.URL, picture)
	j := s.keyless.taken(u.UploadID)
	s.inbox.put(u.URL, picture)
	if resp, body := s.keyless.send("DELETE", "/v1/jobs/"+string(j.ID), ""); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("%s: %s", resp.Status, body)
	}
	if n := s.inbox.left(); n != 0 {
		t.Errorf("%d uploads are left", n)
	}
}

func TestUploadsWhileBucketIsUnavailable(t *testing.T) {
	s := newScene(t, withUploads)
	picture := jpegPicture(t)
	u := s.keyless.upload(len(picture))
	s.inbox.put(u.URL, picture)
	files := s.files()

	s.inbox.fail(errors.New("no answer from 10.0.0.1"))
	resp, body := s.keyless.take(u.UploadID)
	wantProblem(t, resp, body, 503, "unavailable", "sending it again is safe")
	wait(t, resp)
	resp, body = s.keyless.send("POST", "/v1/uploads", `{"bytes": 7}`)
	wantProblem(t, resp, body, 503, "unavailable", "")
	wait(t, resp)
	s.inbox.fail(nil)

	for name, r := range map[string]func(io.Reader) io.Reader{
		"breaks off": func(r io.Reader) io.Reader { return io.LimitReader(r, 10) },
		"vanishes":   func(io.Reader) io.Reader { return io.MultiReader(strings.NewReader("x"), cutOff{}) },
	} {
		s.inbox.opened = r
		resp, body := s.keyless.take(u.UploadID)
		if wantProblem(t, resp, body, 503, "unavailable", ""); t.Failed() {
			t.Errorf("it %s", name)
		}
	}
	s.inbox.opened = nil
	if n := s.files(); n != files {
		t.Errorf("%d files before, %d after", files, n)
	}
	s.keyless.taken(u.UploadID)
}

// The same with S3, which closes the connection, refuses, or has no such object.
func TestUploadsWhileS3IsUnavailable(t *testing.T) {
	g, a, _ := serveUploads(t)
	s, picture := g.keyless, jpegPicture(t)
	u := s.upload(len(picture))
	if status := u.put(t, picture); status != 200 {
		t.Fatal(status)
	}
	hangUp := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	a.override.Store(&hangUp)
	resp, body := s.take(u.UploadID)
	wantProblem(t, resp, body, 503, "unavailable", "")
	wait(t, resp)
	a.setUnavailable(true)
	resp, body = s.take(u.UploadID)
	wantProblem(t, resp, body, 503, "unavailable", "")
	s.upload(7) // for which S3 is not asked
	a.setUnavailable(false)
	if err := uploads.New(a.copies.Bucket()).Remove(t.Context(), store.UploadsOf(&job.Spec{Upload: job.ID(u.UploadID)})[0].Name); err != nil {
		t.Fatal(err)
	}
	resp, body = s.take(u.UploadID)
	wantProblem(t, resp, body, 409, "upload_incomplete", "")
	if status := u.put(t, picture); status != 200 {
		t.Fatal(status)
	}
	s.taken(u.UploadID)
}

type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

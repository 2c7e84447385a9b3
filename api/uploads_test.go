package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/bucket"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

func TestUpload(t *testing.T) {
	g, _, left := serveUploads(t)
	as := func(who string) []string { return []string{"Authorization", "Bearer " + g.keys[who]} }
	picture := jpegPicture(t)
	before := time.Now()
	u := g.upload(len(picture), as("right")...)
	after := time.Now()
	if u.Method != "PUT" || !maps.Equal(u.Headers, map[string]string{"If-None-Match": "*"}) || u.ExpiresAt.Sub(before) < 14*time.Minute || u.ExpiresAt.Sub(after) > 15*time.Minute {
		t.Errorf("%+v", u)
	}
	resp, body := g.take(u.UploadID, as("right")...)
	wantProblem(t, resp, body, 409, "upload_incomplete", "send the picture to the upload's address")
	for _, c := range []struct {
		what    string
		content []byte
		status  int
	}{
		{"a larger one", append(bytes.Clone(picture), 0), 403}, {"a smaller one", picture[1:], 403},
		{"the picture", picture, 200}, {"the picture again", picture, 412}, {"another picture", bytes.Repeat([]byte{1}, len(picture)), 412},
	} {
		if status := u.put(t, c.content); status != c.status {
			t.Errorf("%s: %d, want %d", c.what, status, c.status)
		}
	}
	for _, who := range []string{"other", "admin"} { // who may do more in other places
		resp, body := g.take(u.UploadID, as(who)...)
		if who == "admin" && resp.StatusCode == http.StatusForbidden {
			continue
		}
		wantProblem(t, resp, body, 404, "upload_not_found", "")
	}
	j := g.taken(u.UploadID, as("right")...)
	if got, _ := g.pictures(t, j.ID); !bytes.Equal(got, picture) {
		t.Errorf("the job has a picture of %d bytes, want %d", len(got), len(picture))
	}
	if keys := left(); len(keys) > 0 {
		t.Errorf("left in the bucket: %v", keys)
	}
	resp, body = g.take(u.UploadID, as("right")...)
	wantProblem(t, resp, body, 409, "upload_taken", "create another upload")
	resp, body = g.take(u.UploadID, as("other")...)
	wantProblem(t, resp, body, 404, "upload_not_found", "")
	if n := len(g.queue.messages()); n != 1 {
		t.Errorf("%d jobs were enqueued", n)
	}
}

// However many concurrent submissions there are, an upload makes one job.
func TestUploadIsTakenOnce(t *testing.T) {
	g, _, _ := serveUploads(t)
	picture := jpegPicture(t)
	for name, header := range map[string]func(i int) []string{
		"without a key":  func(int) []string { return nil },
		"different keys": func(i int) []string { return []string{"Idempotency-Key", fmt.Sprint("key-", i)} },
		"one key":        func(int) []string { return []string{"Idempotency-Key", "the-key"} },
	} {
		t.Run(name, func(t *testing.T) {
			u := g.keyless.upload(len(picture))
			if status := u.put(t, picture); status != 200 {
				t.Fatal(status)
			}
			var mu sync.Mutex
			ids := map[job.ID]int{}
			refused := 0
			var all sync.WaitGroup
			for i := range 8 {
				all.Go(func() {
					resp, body := g.keyless.take(u.UploadID, header(i)...)
					mu.Lock()
					defer mu.Unlock()
					var j job.Job
					if resp.StatusCode == http.StatusAccepted && json.Unmarshal(body, &j) == nil {
						ids[j.ID]++
						return
					}
					refused++
					wantProblem(t, resp, body, 409, "upload_taken", "")
				})
			}
			all.Wait()
			if len(ids) != 1 || (name == "one key") != (refused == 0) {
				t.Errorf("jobs: %v, %d were refused", ids, refused)
			}
		})
	}
}

func TestUploadWithIdempotencyKey(t *testing.T) {
	g, a, left := serveUploads(t)
	s, picture := g.keyless, jpegPicture(t)
	key := []string{"Idempotency-Key", "one"}
	u := s.upload(len(picture))
	u.put(t, picture)
	j := s.taken(u.UploadID, key...)
	a.setUnavailable(true) // nothing has to be read again
	if again := s.taken(u.UploadID, key...); again.ID != j.ID {
		t.Errorf("repeated: %s, want %s", again.ID, j.ID)
	}
	a.setUnavailable(false)
	contentType, body := form(t, field{name: "upload_id", value: u.UploadID}, field{name: "style", value: style.Names()[1]})
	resp, answer := s.send("POST", "/v1/jobs", string(body), append(key, "Content-Type", contentType)...)
	wantProblem(t, resp, answer, 422, "idempotency_key_reused", "")
	second := s.upload(len(picture))
	second.put(t, picture)
	if again := s.taken(second.UploadID, key...); again.ID != j.ID {
		t.Errorf("by another upload: %s, want %s", again.ID, j.ID)
	}
	contentType, body = form(t, field{"image", "p.jpg", picture}, field{name: "style", value: style.Names()[0]})
	var direct job.Job
	if resp, answer := s.send("POST", "/v1/jobs", string(body), append(key, "Content-Type", contentType)...); json.Unmarshal(answer, &direct) != nil || direct.ID != j.ID {
		t.Errorf("sent directly: %s %s, want job %s", resp.Status, answer, j.ID)
	}
	if keys := left(); len(keys) > 0 {
		t.Errorf("left in the bucket: %v", keys)
	}
}

// An uploaded picture is inspected like a sent one, and removed if it is not a picture.
func TestUploadIsInspected(t *testing.T) {
	for name, c := range map[string]struct {
		content []byte
		style   []byte
		status  int
		code    string
		left    int
	}{
		"no picture":              {[]byte("<html>"), nil, 415, "unsupported_image", 0},
		"a damaged one":           {jpegPicture(t)[:200], nil, 422, "damaged_image", 0},
		"too many pixels":         {hugePNG(t), nil, 413, "too_many_pixels", 0},
		"a damaged style picture": {jpegPicture(t), jpegPicture(t)[:200], 422, "damaged_image", 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, withUploads)
			u := s.keyless.upload(len(c.content))
			s.inbox.put(u.URL, c.content)
			fields := []field{{name: "upload_id", value: u.UploadID}, {name: "style", value: style.Names()[0]}}
			if c.style != nil {
				fields[1] = field{"style_image", "s.jpg", c.style}
			}
			resp, body := s.keyless.post(form(t, fields...))
			wantProblem(t, resp, body, c.status, c.code, "")
			if n := s.inbox.left(); n != c.left {
				t.Errorf("%d are left, want %d", n, c.left)
			}
			if n := len(s.queue.messages()); n != 0 {
				t.Errorf("%d jobs were enqueued", n)
			}
		})
	}
}

// Reading an upload reserves memory for submissions, and is refused if there is none.
func TestUploadsUseMemoryForSubmissions(t *testing.T) {
	in := &uploadsInMemory{}
	s := serve(t, func(c *api.Config) {
		c.Uploads, c.Limits = in, imageio.Limits{Bytes: 3 << 20, Pixels: 1e8, Edge: 1e4}
		c.Shares.UploadMemory = 7
	})
	reading, goOn := make(chan bool), make(chan bool)
	in.opened = func(r io.Reader) io.Reader {
		reading <- true
		<-goOn
		return r
	}
	ask := func() (*http.Response, []byte) {
		u := s.upload(3 << 20)
		in.put(u.URL, make([]byte, 3<<20))
		return s.take(u.UploadID)
	}
	var all sync.WaitGroup
	defer all.Wait()
	defer close(goOn)
	for range 2 {
		all.Go(func() { ask() })
		<-reading
	}
	resp, body := ask()
	wantProblem(t, resp, body, 429, "too_many_at_once", "")
	wait(t, resp)
}

// Without a bucket, large pictures are sent directly.
func TestUploadsWithoutBucket(t *testing.T) {
	s := serve(t)
	resp, body := s.send("POST", "/v1/uploads", `{"bytes": 7}`)
	wantProblem(t, resp, body, 404, "uploads_unavailable", "submit the picture itself")
	if n := s.files(); n != 0 {
		t.Errorf("%d files", n)
	}
}

// Pending uploads count towards their owner's stored bytes, in every process.
func TestPendingUploadsCountAcrossServers(t *testing.T) {
	in := &uploadsInMemory{}
	one := serve(t)
	var servers []*service
	for range 2 {
		jobs, err := store.Open(store.Config{Dir: one.store.Dir(), Quotas: store.Quotas{Stored: 42}})
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, (&service{T: t, store: jobs, queue: &recordingQueue{}}).beside(func(c *api.Config) { c.Uploads = in }))
	}
	for _, s := range servers {
		s.upload(20 << 20)
	}
	for _, s := range servers {
		resp, body := s.send("POST", "/v1/uploads", `{"bytes": 1}`)
		wantProblem(t, resp, body, 429, "quota_exceeded", "stored_bytes")
		wait(t, resp)
		resp, body = s.post(form(t, s.goodBut()...))
		wantProblem(t, resp, body, 429, "quota_exceeded", "stored_bytes")
	}
}

// An upload id gives access to no other object of the bucket, nor to another owner's.
func TestUploadIDsDontNameOtherObjects(t *testing.T) {
	g, a, _ := serveUploads(t)
	if _, err := a.copies.Bucket().Put(t.Context(), "uploads/x", bytes.NewReader(jpegPicture(t)), bucket.Put{}); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"x", "../uploads/x", "/x", "%2e%2e/x", "0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f/../../x"} {
		resp, body := g.keyless.take(id)
		wantProblem(t, resp, body, 404, "upload_not_found", "")
	}
}

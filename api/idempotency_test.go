package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

func (s *service) postUnder(key string, fields ...field) (*http.Response, []byte) {
	s.Helper()
	contentType, body := form(s.T, fields...)
	resp, answer, err := postOnce(s.url, contentType, key, body)
	if err != nil {
		s.Fatal(err)
	}
	return resp, answer
}

func (s *service) submitUnder(key string, fields ...field) job.Job {
	s.Helper()
	resp, body := s.postUnder(key, fields...)
	var j job.Job
	if err := json.Unmarshal(body, &j); err != nil || resp.StatusCode != http.StatusAccepted {
		s.Fatalf("%s: %s", resp.Status, body)
	}
	where, err := resp.Location()
	if err != nil || where.Path != "/v1/jobs/"+string(j.ID) {
		s.Errorf("Location %v, %v", where, err)
	}
	return j
}

func TestSameKeySameJob(t *testing.T) {
	s := serve(t)
	fields := []field{{"image", "p.jpg", jpegPicture(t)}, {name: "style", value: style.Names()[0]}}
	first := s.submitUnder("one", fields...)
	// Written differently, the same request.
	again := s.submitUnder("one", append([]field{{name: "strength", value: "1.0"}, {name: "size", value: "1024"}}, fields...)...)
	if again.ID != first.ID || again.State != job.Queued {
		t.Errorf("got %+v, then %+v", first, again)
	}
	if got := s.queue.messages(); len(got) != 1 {
		t.Errorf("enqueued %v", got)
	}
	if other := s.submitUnder("two", fields...); other.ID == first.ID {
		t.Error("another key answered the same job")
	}

	// It is answered as it stands now.
	if err := s.claim(first.ID, 1).Succeed(jpegPicture(t), nil, job.Result{Width: 60, Height: 40, ContentType: "image/jpeg"}, job.Receipt{}); err != nil {
		t.Fatal(err)
	}
	resp, body := s.postUnder("one", fields...)
	if resp.StatusCode != 202 || resp.Header.Get("Retry-After") != "" || !bytes.Contains(body, []byte(`"url":"v1/jobs/`+string(first.ID)+`/result"`)) {
		t.Errorf("when it is painted: %s %v %s", resp.Status, resp.Header, body)
	}

	for name, other := range map[string][]field{
		"another picture": {{"image", "p.png", pngPicture(t)}, fields[1]},
		"another style":   {fields[0], {name: "style", value: style.Names()[1]}},
		"another size":    append([]field{{name: "size", value: "64"}}, fields...),
		"a style picture": {fields[0], {"style_image", "s.jpg", jpegPicture(t)}},
	} {
		resp, body := s.postUnder("one", other...)
		t.Run(name, func(t *testing.T) { wantProblem(t, resp, body, 422, "idempotency_key_reused", "new key") })
	}

	if resp, body := s.send("DELETE", "/v1/jobs/"+string(first.ID), ""); resp.StatusCode != 204 {
		t.Fatalf("%s %s", resp.Status, body)
	}
	if next := s.submitUnder("one", fields...); next.ID == first.ID {
		t.Error("the key of an erased job answers it")
	}
}

func TestInvalidIdempotencyKeys(t *testing.T) {
	s := serve(t)
	fields := []field{{"image", "p.jpg", jpegPicture(t)}, {name: "style", value: style.Names()[0]}}
	s.submitUnder(strings.Repeat("k", 255), fields...)
	before := s.files()
	for _, key := range []string{"", strings.Repeat("k", 256), "a key", "clé", "tab\tbed"} {
		resp, body := s.postUnder(key, fields...)
		wantProblem(t, resp, body, 422, "invalid_field", "Idempotency-Key: ")
	}
	contentType, body := form(t, fields...)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/jobs", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{"Content-Type": {contentType}, "Idempotency-Key": {"a", "b"}}
	resp, answer := s.do(req)
	wantProblem(t, resp, answer, 422, "invalid_field", "twice")
	if after := s.files(); after != before {
		t.Errorf("%d files became %d", before, after)
	}
}

// A job that is stored with a key stays if the queue is unavailable, since another request may have
// confirmed it.
func TestKeyedSubmissionWhileQueueIsUnavailable(t *testing.T) {
	s := serve(t)
	fields := []field{{"image", "p.jpg", jpegPicture(t)}, {name: "style", value: style.Names()[0]}}
	s.queue.set(errors.New("connection refused by 10.1.2.3"))
	resp, body := s.postUnder("one", fields...)
	wantProblem(t, resp, body, 503, "unavailable", "makes no second job")
	if resp.Header.Get("Retry-After") == "" || bytes.Contains(body, []byte("10.1.2.3")) {
		t.Errorf("%v %s", resp.Header, body)
	}
	s.queue.set(nil)
	j := s.submitUnder("one", fields...)
	if n := len(s.queue.messages()); n != 0 {
		t.Errorf("an immediate repetition enqueued it %d times: the first request may still do so", n)
	}
	backdate(t, s.store.Dir(), j.ID)
	s.submitUnder("one", fields...)
	if got := s.queue.messages(); len(got) != 1 || got[0] != (job.Message{Job: j.ID, Run: 1}) {
		t.Errorf("enqueued %v", got)
	}
	s.claim(j.ID, 1)
	s.submitUnder("one", fields...)
	if n := len(s.queue.messages()); n != 1 {
		t.Errorf("a started job was enqueued again")
	}
}

// A job that was made by a machine whose clock is an hour ahead, and could not be enqueued, is
// enqueued by the same request to another machine.
func TestKeyedSubmissionWithClocksAnHourApart(t *testing.T) {
	s := serve(t)
	fields := []field{{"image", "p.jpg", jpegPicture(t)}, {name: "style", value: style.Names()[0]}}
	s.queue.set(errors.New("away"))
	s.postUnder("one", fields...)
	s.queue.set(nil)
	jobs, _, err := s.store.List(store.Query{Limit: 1})
	if err != nil || len(jobs) != 1 {
		t.Fatal(jobs, err)
	}
	date(t, s.store.Dir(), jobs[0].ID, time.Now().Add(time.Hour))
	s.submitUnder("one", fields...)
	if got := s.queue.messages(); len(got) != 1 || got[0] != (job.Message{Job: jobs[0].ID, Run: 1}) {
		t.Errorf("enqueued %v", got)
	}
}

var createdAt = regexp.MustCompile(`"created_at":"[^"]*"`)

// backdate makes a job a minute older.
func backdate(t *testing.T, dir string, id job.ID) {
	t.Helper()
	date(t, dir, id, time.Now().Add(-time.Minute))
}

// date sets the time at which a job was created.
func date(t *testing.T, dir string, id job.ID, at time.Time) {
	t.Helper()
	status := filepath.Join(jobDir(t, dir, id), "status.json")
	b, err := os.ReadFile(status)
	if err != nil {
		t.Fatal(err)
	}
	made := fmt.Sprintf(`"created_at":%q`, at.UTC().Format(time.RFC3339Nano))
	if err := os.WriteFile(status, createdAt.ReplaceAll(b, []byte(made)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// jobDir returns a job's folder.
func jobDir(t *testing.T, dir string, id job.ID) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "jobs/*/*/*/*", string(id)))
	if err != nil || len(found) != 1 {
		t.Fatalf("the folder of job %s: %v, %v", id, found, err)
	}
	return found[0]
}

package api_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// 64 processes submit one request with one key to servers that share only the directory: all get
// the same job.
func TestManyProcessesWithOneKey(t *testing.T) {
	processes := 64
	if testing.Short() {
		processes = 8
	}
	dir := sharedDir(t)
	running, _ := gate(t)
	var urls []string
	for range 3 {
		urls = append(urls, start(t, running, "server", dir).line())
	}
	fields := []field{{"image", "p.jpg", jpegPicture(t)}, {name: "style", value: style.Names()[0]}}
	forms := []string{writeForm(t, fields...), writeForm(t, append(fields, field{name: "quality", value: "7"})...)}

	begin, open := gate(t)
	var clients []*process
	for i := range processes {
		// Every eighth asks for something else under the same key.
		clients = append(clients, start(t, begin, "client", forms[boolean(i%8 == 7)], urls[i%len(urls)], "one"))
	}
	for _, c := range clients {
		if got := c.line(); got != "ready" {
			t.Fatalf("got %q", got)
		}
	}
	open()
	answers := map[string][]string{}
	for i, c := range clients {
		status, body, _ := strings.Cut(c.line(), " ")
		var got struct {
			ID      job.ID
			Quality int
			Code    string
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatalf("%s %s", status, body)
		}
		key := fmt.Sprint(i%8 == 7, " ", status, " ", got.ID, got.Code, " ", got.Quality)
		answers[key] = append(answers[key], body)
	}
	// Either of the two requests may have been first; all of the other are refused.
	if len(answers) != 2 {
		t.Fatalf("%d different answers: %v", len(answers), answers)
	}
	var id job.ID
	for key := range answers {
		if fields := strings.Fields(key); fields[1] == "202" {
			id = job.ID(fields[2])
		} else if fields[1] != "422" || fields[2] != "idempotency_key_reused" {
			t.Errorf("answered %s", key)
		}
	}
	jobs, err := filepath.Glob(filepath.Join(dir, "jobs/*/*/*/*/*"))
	if err != nil || len(jobs) != 1 || filepath.Base(jobs[0]) != string(id) {
		t.Errorf("there are the jobs %v, %v; answered was %s", jobs, err, id)
	}
	// More than once if it took the last of them long: twice does no harm.
	sent := sentMessages(t, dir)
	if len(sent) == 0 {
		t.Error("it was not enqueued")
	}
	for _, m := range sent {
		if m != (job.Message{Job: id, Run: 1}).Encode() {
			t.Errorf("enqueued %s", m)
		}
	}
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// writeForm writes a form to a file, and returns its path and content type.
func writeForm(t *testing.T, fields ...field) string {
	t.Helper()
	contentType, body := form(t, fields...)
	return file(t, "form", body) + " " + strings.ReplaceAll(contentType, " ", "_")
}

// A server is killed between storing and enqueueing a job. The same request completes it.
func TestServerKilledBeforeEnqueueing(t *testing.T) {
	dir := sharedDir(t)
	fields := []field{{"image", "p.jpg", jpegPicture(t)}, {name: "style", value: style.Names()[0]}}
	request := writeForm(t, fields...)
	running, _ := gate(t)
	begin, open := gate(t)
	open()

	dying := start(t, running, "server", dir, "hang")
	start(t, begin, "client", request, dying.line(), "one")
	id := job.ID(strings.TrimPrefix(dying.line(), "sending "))
	dying.kill()

	url := start(t, running, "server", dir).line()
	if got := submitted(t, url, "one", fields); got != id {
		t.Fatalf("got job %s, want %s", got, id)
	}
	backdate(t, dir, id)
	submitted(t, url, "one", fields)
	want := (job.Message{Job: id, Run: 1}).Encode() // twice where the machine is so slow that the job was old at first
	if got := sentMessages(t, dir); len(got) == 0 || slices.ContainsFunc(got, func(m string) bool { return m != want }) {
		t.Errorf("enqueued %v, want job %s", got, id)
	}
}

// submitted posts a submission that must be accepted, and returns its job.
func submitted(t *testing.T, url, key string, fields []field) job.ID {
	t.Helper()
	contentType, body := form(t, fields...)
	resp, answer, err := postOnce(url, contentType, key, body)
	if err != nil {
		t.Fatal(err)
	}
	var j job.Job
	if err := json.Unmarshal(answer, &j); err != nil || resp.StatusCode != http.StatusAccepted || j.State != job.Queued {
		t.Fatalf("%s: %s", resp.Status, answer)
	}
	return j.ID
}

// Servers are killed at random moments of a submission. The same request to another server makes
// one complete job.
func TestServerKilledDuringSubmission(t *testing.T) {
	dir := sharedDir(t)
	fields := []field{{"image", "p.jpg", jpegPicture(t)}, {name: "style", value: style.Names()[0]}}
	running, _ := gate(t)
	url := start(t, running, "server", dir).line()
	rounds := 30
	if testing.Short() {
		rounds = 5
	}
	promised := map[job.ID]bool{}
	for round := range rounds {
		key := fmt.Sprint("key", round)
		dying := start(t, running, "server", dir)
		contentType, body := form(t, fields...)
		address, answered := dying.line(), make(chan job.ID, 1)
		go func() {
			var j job.Job
			if resp, answer, err := postOnce(address, contentType, key, body); err == nil && resp.StatusCode == http.StatusAccepted {
				_ = json.Unmarshal(answer, &j)
			}
			answered <- j.ID
		}()
		time.Sleep(rand.N(12 * time.Millisecond)) // the moment of the crash: before, in or after it
		dying.kill()
		id := submitted(t, url, key, fields)
		if first := <-answered; first != "" && first != id {
			t.Errorf("promised were %s and %s under one key", first, id)
		}
		promised[id] = true
	}
	s, err := store.Open(store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	jobs, next, err := s.List(store.Query{Limit: 2 * rounds})
	if err != nil || next != "" || len(jobs) != rounds || len(promised) != rounds {
		t.Errorf("there are %d jobs, %d were promised, want %d; %v", len(jobs), len(promised), rounds, err)
	}
	for _, j := range jobs {
		spec, err := s.Spec(j.ID)
		if err == nil {
			_, _, err = s.Pictures(&spec)
		}
		if err != nil || !promised[j.ID] {
			t.Errorf("job %s, promised %v: %v", j.ID, promised[j.ID], err)
		}
	}
}

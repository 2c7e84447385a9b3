package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

type redriveResult struct {
	Retried []job.ID
	Skipped []struct {
		ID           string
		Code, Detail string
	}
	Next *string `json:"next_cursor"`
}

func (s *service) redrive(body string) (got redriveResult) {
	s.Helper()
	resp, answer := s.send("POST", "/v1/admin/redrive", body)
	if err := json.Unmarshal(answer, &got); err != nil || resp.StatusCode != 200 || !bytes.HasPrefix(answer, []byte(`{"retried":[`)) {
		s.Fatalf("redrive %s: %s %s", body, resp.Status, answer)
	}
	return got
}

func TestRedrive(t *testing.T) {
	s := serve(t)
	var failed []job.ID
	for range 5 {
		failed = append(failed, s.in(job.Failed))
	}
	other := s.good().ID
	if err := s.claim(other, 1).Fail(job.Failure{Code: "damaged_image", Message: "the image is damaged"}); err != nil {
		t.Fatal(err)
	}
	canceled, queued, gone := s.in(job.Canceled), s.in(job.Queued), s.in("gone")
	s.in(job.Succeeded)
	before := len(s.queue.messages())

	got := s.redrive(fmt.Sprintf(`{"ids": [%q, %q, %q, %q, "x"]}`, canceled, failed[0], queued, gone))
	if len(got.Retried) != 2 || got.Retried[0] != canceled || got.Retried[1] != failed[0] || got.Next != nil {
		t.Errorf("by id: %+v", got)
	}
	for i, code := range []string{"not_retryable", "gone", "not_found"} {
		if got.Skipped[i].Code != code || got.Skipped[i].Detail == "" {
			t.Errorf("by id: skipped %+v, want %s", got.Skipped[i], code)
		}
	}

	// By reason, in pages.
	var retried []job.ID
	body, pages := `{"code": "gave_up", "limit": 2}`, 0
	for ; ; pages++ {
		got := s.redrive(body)
		retried = append(retried, got.Retried...)
		if got.Next == nil {
			break
		}
		body = fmt.Sprintf(`{"code": "gave_up", "limit": 2, "cursor": %q}`, *got.Next)
	}
	if pages < 1 || len(retried) != 4 || retried[0] != failed[4] || retried[3] != failed[1] {
		t.Errorf("by reason: %v in %d pages, want %v newest first", retried, pages+1, failed[1:])
	}

	if got := s.redrive(`{"all": true}`); len(got.Retried) != 1 || got.Retried[0] != other || len(got.Skipped) != 0 || got.Next != nil {
		t.Errorf("all that are left: %+v, want %s", got, other)
	}
	if got := s.redrive(`{"all": true}`); len(got.Retried) != 0 {
		t.Errorf("again: %+v", got)
	}
	for i, m := range s.queue.messages()[before:] {
		if m.Run != 2 || i > 6 {
			t.Errorf("enqueued %+v as number %d", m, i)
		}
	}
}

func TestRedriveWhileQueueIsUnavailable(t *testing.T) {
	s := serve(t)
	ids := []job.ID{s.in(job.Failed), s.in(job.Failed), s.in(job.Failed)}
	s.queue.set(errors.New("away"))
	resp, body := s.send("POST", "/v1/admin/redrive", `{"all": true}`)
	wantProblem(t, resp, body, 503, "unavailable", "nothing was accepted")
	if j, err := s.store.Job(ids[2]); err != nil || j.State != job.Failed {
		t.Errorf("a job that could not be enqueued is %s, %v", j.State, err)
	}

	// It goes away in the middle: what was done is told, and the rest is still to do.
	s.queue.set(nil)
	s.queue.failAfter(1)
	got := s.redrive(`{"all": true}`)
	if len(got.Retried) != 1 || got.Retried[0] != ids[2] || len(got.Skipped) != 0 || got.Next == nil || *got.Next != string(ids[2]) {
		t.Fatalf("got %+v", got)
	}
	s.queue.set(nil)
	if got := s.redrive(fmt.Sprintf(`{"ids": [%q, %q]}`, ids[1], ids[0])); len(got.Retried) != 2 {
		t.Errorf("the rest: %+v", got)
	}

	named := fmt.Sprintf(`{"ids": [%q, %q]}`, s.in(job.Failed), s.in(job.Failed))
	s.queue.failAfter(1)
	if got := s.redrive(named); len(got.Retried) != 1 || len(got.Skipped) != 1 || got.Skipped[0].Code != "unavailable" || got.Next != nil {
		t.Errorf("by id: %+v", got)
	}
}

func TestInvalidRedrives(t *testing.T) {
	s := serve(t)
	for body, want := range map[string]struct {
		status int
		code   string
		says   string
	}{
		``:                              {400, "malformed_request", "required"},
		`{`:                             {400, "malformed_request", ""},
		`{}`:                            {422, "invalid_field", "all or code"},
		`{"all": true, "code": "x"}`:    {422, "invalid_field", "only one of them"},
		`{"ids": []}`:                   {422, "invalid_field", "ids"},
		`{"al": true}`:                  {422, "invalid_field", "al: "},
		`{"all": true, "limit": 1001}`:  {422, "invalid_field", "limit: "},
		`{"all": true, "cursor": "x"}`:  {422, "invalid_field", "cursor"},
		`{"ids": ["x"], "limit": "ab"}`: {422, "invalid_field", "limit: "},
	} {
		resp, answer := s.send("POST", "/v1/admin/redrive", body)
		wantProblem(t, resp, answer, want.status, want.code, want.says)
	}
}

package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

func (s *service) good(fields ...field) job.Job {
	s.Helper()
	return s.submit(s.goodBut(fields...)...)
}

func (s *service) claim(id job.ID, run int) *store.Lease {
	s.Helper()
	lease, err := s.store.Claim(s.Context(), id, run, "test")
	if err != nil {
		s.Fatal(err)
	}
	return lease
}

// begun starts the first attempt at a job and stores its preview.
func (s *service) begun(id job.ID) *store.Lease {
	s.Helper()
	lease := s.claim(id, 1)
	if err := lease.StorePreview(jpegPicture(s.T)); err != nil {
		s.Fatal(err)
	}
	return lease
}

// in makes a job in a state.
func (s *service) in(state job.State, fields ...field) job.ID {
	s.Helper()
	id := s.good(fields...).ID
	var err error
	switch state {
	case job.Running:
		s.begun(id)
	case job.Succeeded:
		err = s.begun(id).Succeed(jpegPicture(s.T), nil, job.Result{Width: 60, Height: 40, ContentType: "image/jpeg"}, job.Receipt{Worker: "daemon"})
	case job.Failed:
		err = s.begun(id).Fail(job.Failure{Code: job.CodeGaveUp, Message: "given up"})
	case job.Canceled:
		_, err = s.store.Cancel(id)
	case "gone":
		err = s.store.Erase(id, store.Erased)
	case "unknown":
		id, err = job.NewID()
	}
	if err != nil {
		s.Fatal(err)
	}
	return id
}

// The responses of each request to a job in each state.
func TestChanges(t *testing.T) {
	const cancel, retry, erase = "POST /cancel", "POST /retry", "DELETE "
	for _, tt := range []struct {
		request string
		state   job.State
		status  int
		code    string
		becomes job.State // where it is answered
	}{
		{cancel, job.Queued, 200, "", job.Canceled},
		{cancel, job.Running, 200, "", job.Canceled},
		{cancel, job.Canceled, 200, "", job.Canceled},
		{cancel, job.Succeeded, 409, "finished", ""},
		{cancel, job.Failed, 409, "finished", ""},
		{cancel, "gone", 410, "gone", ""},
		{cancel, "unknown", 404, "not_found", ""},
		{retry, job.Queued, 409, "not_retryable", ""},
		{retry, job.Running, 409, "not_retryable", ""},
		{retry, job.Canceled, 202, "", job.Queued},
		{retry, job.Succeeded, 409, "not_retryable", ""},
		{retry, job.Failed, 202, "", job.Queued},
		{retry, "gone", 410, "gone", ""},
		{retry, "unknown", 404, "not_found", ""},
		{erase, job.Queued, 204, "", ""},
		{erase, job.Running, 204, "", ""},
		{erase, job.Canceled, 204, "", ""},
		{erase, job.Succeeded, 204, "", ""},
		{erase, job.Failed, 204, "", ""},
		{erase, "gone", 410, "gone", ""},
		{erase, "unknown", 404, "not_found", ""},
	} {
		t.Run(tt.request+" "+string(tt.state), func(t *testing.T) {
			s := serve(t)
			id := s.in(tt.state)
			var method, path string
			fmt.Sscan(tt.request, &method, &path)
			resp, body := s.send(method, "/v1/jobs/"+string(id)+path, "")
			if tt.code != "" {
				wantProblem(t, resp, body, tt.status, tt.code, "")
				return
			}
			if resp.StatusCode != tt.status {
				t.Fatalf("%s: %s", resp.Status, body)
			}
			if tt.becomes == "" {
				return
			}
			var answered job.Job
			_, now := s.get("/v1/jobs/" + string(id))
			if err := json.Unmarshal(body, &answered); err != nil || answered.State != tt.becomes || !bytes.Equal(now, body) {
				t.Errorf("answered %s, and then it is %s", body, now)
			}
		})
	}
}

func TestCanceledJobIsNotStarted(t *testing.T) {
	s := serve(t)
	queued, running := s.good().ID, s.good().ID
	lease := s.claim(running, 1)
	for _, id := range []job.ID{queued, running} {
		if resp, body := s.send("POST", "/v1/jobs/"+string(id)+"/cancel", ""); resp.StatusCode != 200 || resp.Header.Get("Retry-After") != "" {
			t.Fatalf("%s: %s", resp.Status, body)
		}
	}
	if _, err := s.store.Claim(t.Context(), queued, 1, "test"); !errors.Is(err, job.ErrFinished) {
		t.Errorf("begin a canceled job: %v", err)
	}
	if err := lease.Succeed(jpegPicture(t), nil, job.Result{ContentType: "image/jpeg"}, job.Receipt{}); !errors.Is(err, job.ErrLeaseLost) {
		t.Errorf("finish a canceled job: %v", err)
	}
	resp, body := s.get("/v1/jobs/" + string(running) + "/result")
	wantProblem(t, resp, body, 409, "not_finished", "canceled")
}

func TestRetryEnqueuesNextRun(t *testing.T) {
	s := serve(t)
	id := s.in(job.Failed)
	path := "/v1/jobs/" + string(id) + "/retry"

	s.queue.set(errors.New("connection refused by 10.1.2.3"))
	resp, body := s.send("POST", path, "")
	wantProblem(t, resp, body, 503, "unavailable", "sending the same request again is safe")
	if resp.Header.Get("Retry-After") == "" || bytes.Contains(body, []byte("10.1.2.3")) {
		t.Errorf("%v %s", resp.Header, body)
	}
	s.queue.set(nil)
	for range 2 { // the first answer may have been lost
		resp, body = s.send("POST", path, "")
		var j job.Job
		if err := json.Unmarshal(body, &j); err != nil || resp.StatusCode != 202 || j.Run != 2 || j.State != job.Queued || j.Error != nil {
			t.Fatalf("%s %s", resp.Status, body)
		}
		where, err := resp.Location()
		if err != nil || where.Path != "/v1/jobs/"+string(id) || resp.Header.Get("Retry-After") == "" {
			t.Errorf("Location %v, %v; Retry-After %q", where, err, resp.Header.Get("Retry-After"))
		}
	}
	if got := s.queue.messages()[1:]; len(got) != 1 || got[0] != (job.Message{Job: id, Run: 2}) {
		t.Errorf("enqueued %v", got)
	}
	s.claim(id, 2)
	resp, body = s.send("POST", path, "")
	wantProblem(t, resp, body, 409, "not_retryable", "running")
}

func TestErasedJobIsGone(t *testing.T) {
	s := serve(t)
	for _, state := range []job.State{job.Queued, job.Running, job.Succeeded} {
		path := "/v1/jobs/" + string(s.in(state))
		if resp, body := s.send("DELETE", path, ""); resp.StatusCode != 204 || len(body) != 0 {
			t.Fatalf("%s %s", resp.Status, body)
		}
		for _, request := range [][2]string{
			{"GET", ""}, {"GET", "?wait=20"}, {"GET", "/result"}, {"GET", "/preview"},
			{"POST", "/cancel"}, {"POST", "/retry"}, {"DELETE", ""},
		} {
			resp, body := s.send(request[0], path+request[1], "")
			wantProblem(t, resp, body, 410, "gone", "erased")
		}
	}
}

// Concurrent requests of clients and a worker for one job get only responses of the contract, never
// an internal error.
func TestConcurrentChanges(t *testing.T) {
	s := serve(t)
	for range 10 {
		id := s.good().ID
		path := "/v1/jobs/" + string(id)
		var all sync.WaitGroup
		stop := make(chan struct{})
		work := func() {
			for run := 1; ; run++ {
				lease, err := s.store.Claim(t.Context(), id, run, "test")
				if err != nil {
					return
				}
				if run%2 == 0 {
					err = lease.Fail(job.Failure{Code: "x", Message: "y"})
				} else {
					err = lease.Release(false)
				}
				if err != nil && !errors.Is(err, job.ErrLeaseLost) {
					t.Errorf("a worker: %v", err)
				}
			}
		}
		all.Go(work)
		for _, request := range [][2]string{{"POST", "/cancel"}, {"POST", "/retry"}, {"GET", ""}, {"GET", "/result"}, {"GET", "/preview"}, {"POST", "/cancel"}, {"POST", "/retry"}} {
			all.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					resp, body := s.send(request[0], path+request[1], "")
					if resp.StatusCode >= 500 && !bytes.Contains(body, []byte(`"busy"`)) {
						t.Errorf("%s %s: %s", request[0], path+request[1], body)
					}
				}
			})
		}
		for range 20 {
			work()
			s.get(path)
		}
		for range 2 {
			all.Go(func() {
				if resp, body := s.send("DELETE", path, ""); resp.StatusCode != 204 && resp.StatusCode != 410 {
					t.Errorf("erase: %s %s", resp.Status, body)
				}
			})
		}
		s.send("DELETE", path, "")
		close(stop)
		all.Wait()
		resp, body := s.get(path)
		wantProblem(t, resp, body, 410, "gone", "")
		// A retry that came too late may have left an entry; the sweeper sees what it is.
		if _, err := s.store.Checkup(store.EntryOf(job.Job{ID: id}), time.Now(), 0); !errors.Is(err, job.ErrGone) && !errors.Is(err, job.ErrFinished) {
			t.Errorf("a sweeper finds an erased job: %v", err)
		}
	}
}

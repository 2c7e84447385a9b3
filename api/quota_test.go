package api_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// wait returns a response's Retry-After, in seconds.
func wait(t *testing.T, resp *http.Response) int {
	t.Helper()
	n, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	if err != nil || n < 1 {
		t.Errorf("Retry-After: %q", resp.Header.Get("Retry-After"))
	}
	return n
}

// A request beyond a quota is refused with the quota's name, its value and what to do, and stores
// nothing.
func TestQuotas(t *testing.T) {
	for name, c := range map[string]struct {
		quotas  store.Quotas
		says    string
		seconds [2]int // of Retry-After
	}{
		"unfinished jobs":   {store.Quotas{Unfinished: 3}, "unfinished_jobs: 3 of 3 are used; room comes as they finish", [2]int{1, 60}},
		"stored bytes":      {store.Quotas{Stored: 1}, "stored_bytes: ", [2]int{600, 3600}},
		"submissions a day": {store.Quotas{Daily: 3}, "daily_submissions: 3 of 3 are used; the first of them are 24 hours old in", [2]int{23 * 3600, 26 * 3600}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t).limited(c.quotas)
			accepted := 0
			for ; accepted < 20; accepted++ {
				files, sent := s.files(), len(s.queue.messages())
				resp, body := s.post(form(t, s.goodBut()...))
				if resp.StatusCode == http.StatusAccepted {
					continue
				}
				wantProblem(t, resp, body, 429, "quota_exceeded", c.says)
				if n := wait(t, resp); n < c.seconds[0] || n > c.seconds[1] {
					t.Errorf("Retry-After: %d", n)
				}
				if n := s.files(); n > files+1 || len(s.queue.messages()) != sent { // usage/ may be new
					t.Errorf("%d files before, %d after, %d messages more", files, n, len(s.queue.messages())-sent)
				}
				break
			}
			if accepted < 3 || accepted == 20 {
				t.Errorf("%d were accepted", accepted)
			}
		})
	}
}

// A submission beyond a quota is refused before its body is read, so that the client need not send
// it.
func TestQuotaIsCheckedBeforeBodyIsRead(t *testing.T) {
	s := serve(t)
	s.good()
	s = s.limited(store.Quotas{Unfinished: 1})
	_, body := form(t, s.goodBut()...)
	resp, answer := s.post("multipart/form-data; boundary=another", body) // which can't be read
	wantProblem(t, resp, answer, 429, "quota_exceeded", "")
}

// Several servers on one directory share a quota, however many requests are concurrent, except for
// those in flight.
func TestQuotaAcrossServers(t *testing.T) {
	const quota, servers, clients = 40, 3, 4
	one := serve(t)
	var accepted, refused atomic.Int64
	var all sync.WaitGroup
	contentType, body := form(t, one.goodBut()...)
	for range servers {
		s := one.limited(store.Quotas{Unfinished: quota})
		for range clients {
			all.Go(func() {
				for range quota {
					switch resp, answer := s.post(contentType, body); resp.StatusCode {
					case http.StatusAccepted:
						accepted.Add(1)
					case http.StatusTooManyRequests:
						refused.Add(1)
					default:
						t.Errorf("%s: %s", resp.Status, answer)
					}
				}
			})
		}
	}
	all.Wait()
	if n := accepted.Load(); n < quota-servers*clients || n > quota+servers*clients || refused.Load() == 0 {
		t.Errorf("%d accepted of %d, %d refused", n, quota, refused.Load())
	}
}

// After 300 cancellations and retries, a job has at most the allowed runs, a handful of files and
// as many messages.
func TestRunsOfAJobAreLimited(t *testing.T) {
	s := serve(t).limited(store.Quotas{Runs: 20})
	id := s.good().ID
	path := "/v1/jobs/" + string(id)
	for i := range 300 {
		s.send("POST", path+"/cancel", "")
		resp, body := s.send("POST", path+"/retry", "")
		if i < 19 {
			if resp.StatusCode != http.StatusAccepted {
				t.Fatalf("retry %d: %s %s", i+1, resp.Status, body)
			}
			continue
		}
		wantProblem(t, resp, body, 409, "too_many_runs", "submit the picture again")
	}
	var j job.Job
	if _, body := s.get(path); json.Unmarshal(body, &j) != nil || j.Run != 20 || j.State != job.Canceled {
		t.Errorf("%s", body)
	}
	files, err := os.ReadDir(jobDir(t, s.store.Dir(), id))
	if err != nil || len(files) > 48 {
		t.Errorf("%d files, %v", len(files), err)
	}
	if n := len(s.queue.messages()); n != 20 {
		t.Errorf("%d messages", n)
	}
	got := s.redrive(`{"ids": ["` + string(id) + `"]}`)
	if len(got.Retried) != 0 || len(got.Skipped) != 1 || got.Skipped[0].Code != "too_many_runs" || !strings.Contains(got.Skipped[0].Detail, "all the runs") {
		t.Errorf("redrive: %+v", got)
	}
}

// Erasing frees stored bytes at once; an erased job counts as submitted for a day.
func TestErasingFreesQuota(t *testing.T) {
	s := serve(t).limited(store.Quotas{Unfinished: 2, Daily: 4})
	var ids []job.ID
	for range 2 {
		ids = append(ids, s.good().ID)
	}
	for _, id := range ids {
		resp, body := s.post(form(t, s.goodBut()...))
		wantProblem(t, resp, body, 429, "quota_exceeded", "unfinished_jobs")
		if resp, body := s.send("DELETE", "/v1/jobs/"+string(id), ""); resp.StatusCode != http.StatusNoContent {
			t.Fatalf("%s %s", resp.Status, body)
		}
		s.good()
	}
	resp, body := s.post(form(t, s.goodBut()...))
	wantProblem(t, resp, body, 429, "quota_exceeded", "daily_submissions")
}

// On a nearly full disk submissions are refused, and other requests succeed.
func TestNearlyFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64m"); err != nil {
		t.Skip("a small disk can't be made here:", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	floor := store.Quotas{MinFree: 1024} // or 5%, which is less
	jobs, err := store.Open(store.Config{Dir: dir, Quotas: floor})
	if err != nil {
		t.Fatal(err)
	}
	s := (&service{T: t, store: jobs, queue: &recordingQueue{}}).beside()
	done, waiting := s.in(job.Succeeded), s.good().ID
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 61<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s = s.limited(floor) // it has not looked a moment ago
	resp, body := s.post(form(t, s.goodBut()...))
	wantProblem(t, resp, body, 503, "disk_full", "too little room")
	if n := wait(t, resp); n < 30 {
		t.Errorf("Retry-After: %d", n)
	}
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v1/jobs/" + string(done) + "/result", 200},
		{"POST", "/v1/jobs/" + string(waiting) + "/cancel", 200},
		{"POST", "/v1/jobs/" + string(waiting) + "/retry", 202},
		{"DELETE", "/v1/jobs/" + string(done), 204},
	} {
		if resp, body := s.send(c.method, c.path, ""); resp.StatusCode != c.status {
			t.Errorf("%s %s: %s %s", c.method, c.path, resp.Status, body)
		}
	}
	if err := s.claim(waiting, 2).Succeed(jpegPicture(t), nil, job.Result{Width: 60, Height: 40}, job.Receipt{}); err != nil {
		t.Errorf("a worker: %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(5 * time.Second); ; {
		if resp, body := s.post(form(t, s.goodBut()...)); resp.StatusCode == http.StatusAccepted {
			break
		} else if time.Now().After(end) {
			t.Fatalf("with room again: %s %s", resp.Status, body)
		}
	}
}

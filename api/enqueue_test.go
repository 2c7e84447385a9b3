package api_test

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// repeatable are requests that may be repeated, each with the run that it is for.
func repeatable(s *service) map[string]func(s *service) (job.Message, func(to *service) int) {
	fields := []field{{"image", "p.jpg", jpegPicture(s.T)}, {name: "style", value: style.Names()[0]}}
	return map[string]func(s *service) (job.Message, func(to *service) int){
		"a submission under its key": func(s *service) (job.Message, func(to *service) int) {
			j := s.submitUnder("one", fields...)
			backdate(s.T, s.store.Dir(), j.ID)
			return job.Message{Job: j.ID, Run: 1}, func(to *service) int {
				resp, _ := to.postUnder("one", fields...)
				return resp.StatusCode
			}
		},
		"a retry": func(s *service) (job.Message, func(to *service) int) {
			id := s.in(job.Canceled)
			return job.Message{Job: id, Run: 2}, func(to *service) int {
				resp, _ := to.send("POST", "/v1/jobs/"+string(id)+"/retry", "")
				return resp.StatusCode
			}
		},
	}
}

// sent returns the number of messages of a run.
func (s *service) sent(m job.Message) (n int) {
	for _, sent := range s.queue.messages() {
		if sent == m {
			n++
		}
	}
	return n
}

// newProcess is a server that shares only the directory and the queue.
func (s *service) newProcess() *service {
	s.Helper()
	return s.limited(store.Quotas{})
}

// older sets the times of a job's files back: those that determine a run's age, and the record of
// when it was last enqueued.
func (s *service) older(id job.ID, run, enqueued time.Duration) {
	s.Helper()
	dir := jobDir(s.T, s.store.Dir(), id)
	entry, err := filepath.Glob(filepath.Join(s.store.Dir(), "active/*", string(id)))
	if err != nil || len(entry) != 1 {
		s.Fatal(entry, err)
	}
	for path, ago := range map[string]time.Duration{
		filepath.Join(dir, "input"): run, filepath.Join(dir, "run.2"): run, entry[0]: enqueued,
	} {
		at := time.Now().Add(-ago)
		if err := os.Chtimes(path, at, at); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.Fatal(err)
		}
	}
}

// However often and by however many clients a request is repeated, one process sends the job's
// message once in ten seconds, and further processes hardly more.
func TestRepeatedRequestsSendFewMessages(t *testing.T) {
	for name := range repeatable(serve(t)) {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			m, repeat := repeatable(s)[name](s)
			processes := []*service{s, s.newProcess(), s.newProcess()}
			times := func(n int, to ...*service) {
				var all sync.WaitGroup
				for range n {
					for _, process := range to {
						all.Go(func() {
							if status := repeat(process); status != http.StatusAccepted {
								t.Errorf("status %d", status)
							}
						})
					}
				}
				all.Wait()
			}
			times(20, s)
			if n := s.sent(m); n != 1 {
				t.Errorf("one process sent %d messages", n)
			}
			times(20, processes...)
			if n := s.sent(m); n < 1 || n > len(processes) {
				t.Errorf("%d processes sent %d messages", len(processes), n)
			}
			// Who comes later goes by the note.
			s.older(m.Job, time.Minute, 5*time.Second)
			before := s.sent(m)
			times(20, s.newProcess())
			if n := s.sent(m); n != before {
				t.Errorf("%d messages more five seconds after the last", n-before)
			}
			// The intervals double, as the sweeper's do.
			s.older(m.Job, 3*time.Minute, time.Minute)
			times(5, s.newProcess())
			if n := s.sent(m); n != before {
				t.Errorf("%d messages more a minute after the last, which came two minutes after the first", n-before)
			}
			s.older(m.Job, 3*time.Minute, 2*time.Minute)
			times(5, s.newProcess())
			if n := s.sent(m); n != before+1 {
				t.Errorf("%d messages more two minutes after the last", n-before)
			}
		})
	}
}

// A repeated request sends the message that could not be sent before, in any process.
func TestRepeatedRequestResendsFailedMessage(t *testing.T) {
	for name := range repeatable(serve(t)) {
		for _, other := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				s := serve(t)
				m, repeat := repeatable(s)[name](s)
				before := s.sent(m)
				to := s.newProcess() // which has not sent it
				s.queue.set(errors.New("away"))
				for range 3 {
					if status := repeat(to); status != http.StatusServiceUnavailable {
						t.Errorf("status %d while the queue is away", status)
					}
				}
				s.queue.set(nil)
				if other {
					to = s.newProcess()
				}
				if status := repeat(to); status != http.StatusAccepted || s.sent(m) != before+1 {
					t.Errorf("status %d, %d messages more, want one", status, s.sent(m)-before)
				}
			})
		}
	}
}

// A run is enqueued although the one before was a moment ago.
func TestEveryRunIsEnqueued(t *testing.T) {
	s := serve(t)
	id := s.in(job.Canceled)
	for run := 2; run < 6; run++ {
		for _, change := range []string{"retry", "retry", "cancel"} {
			if resp, body := s.send("POST", "/v1/jobs/"+string(id)+"/"+change, ""); resp.StatusCode > 202 {
				t.Fatalf("%s %s", resp.Status, body)
			}
		}
		if n := s.sent(job.Message{Job: id, Run: run}); n != 1 {
			t.Errorf("%d messages of run %d", n, run)
		}
	}
}

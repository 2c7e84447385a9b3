package main

import (
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// maxWait is the longest time that another owner may wait.
const maxWait = 2 * time.Second

// maxMemory is the limit for the peak of the process's memory, in kB.
const maxMemory = 500 << 10

// One owner overloads the real program: another one's submissions are accepted, and the memory
// stays limited.
func TestOneOwnerDoesNotBlockOthers(t *testing.T) {
	s := startServer(t)

	t.Run("slow uploads", func(t *testing.T) {
		// Each sends a little and then no more; none is over before the test is.
		begun := make(chan struct{}, 40)
		var all sync.WaitGroup
		t.Cleanup(all.Wait)
		for range 40 {
			all.Go(func() {
				u := s.upload(t, "anna", 4<<20)
				defer u.Close()
				if u.received() {
					_, _ = u.Write([]byte("--x\r\nContent-Disposition: form-data; name=\"image\"; filename=\"p\"\r\n\r\nbegun"))
					begun <- struct{}{}
					<-t.Context().Done()
				}
			})
		}
		for range 16 {
			<-begun
		}
		s.wantSubmission(t, "berta")
	})

	t.Run("large uploads", func(t *testing.T) {
		file := padded(t, 19<<20)
		contentType, body := form(t, map[string][]byte{"image": file, "style_image": file}, nil)
		for range 2 {
			var all sync.WaitGroup
			var accepted atomic.Int32
			received := make(chan struct{}, 32)
			for i := range 32 {
				all.Go(func() {
					u := s.uploadOf(t, []string{"anna", "carla"}[i%2], contentType, int64(len(body)))
					defer u.Close()
					if !u.received() {
						return // refused, as the owner's share is used up
					}
					received <- struct{}{}
					_, _ = u.Write(body)
					if u.status() == http.StatusAccepted {
						accepted.Add(1)
					}
				})
			}
			<-received
			for range 4 {
				s.wantSubmission(t, "berta")
			}
			all.Wait()
			if accepted.Load() == 0 {
				t.Error("no large upload was accepted")
			}
		}
		s.wantLessMemory(t)
	})

	t.Run("changes", func(t *testing.T) {
		id := s.submit(t, "anna")
		var refused atomic.Int32
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				for range 30 {
					for _, change := range []string{"cancel", "retry"} {
						resp := s.request(t, "anna", http.MethodPost, "/v1/jobs/"+id+"/"+change)
						if resp.StatusCode != http.StatusTooManyRequests {
							continue
						}
						refused.Add(1)
						if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || after < 1 || after > 2 {
							t.Errorf("Retry-After: %q", resp.Header.Get("Retry-After"))
						}
					}
				}
			})
		}
		for range 4 {
			s.wantSubmission(t, "berta")
		}
		all.Wait()
		if n := refused.Load(); n < 200 {
			t.Errorf("%d of 600 changes at once were refused, want most", n)
		}
		s.wantLessMemory(t)
	})
}

// Not every readiness check sends a request to the queue.
func TestReadinessChecksAreCached(t *testing.T) {
	s := startServer(t)
	before, began := s.queue.checks.Load(), time.Now()
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			for range 30 {
				if resp := s.request(t, "", http.MethodGet, "/readyz"); resp.StatusCode != http.StatusOK {
					t.Errorf("ready: %s", resp.Status)
				}
			}
		})
	}
	all.Wait()
	most := int32(time.Since(began)/time.Second) + 5 // the sweeper asks too
	if n := s.queue.checks.Load() - before; n > most {
		t.Errorf("the queue was asked %d times in %v, want %d at most", n, time.Since(began), most)
	}
}

package api_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/style"
)

// begin sends the head of a submission, and returns its connection and the first status line: 100
// if the server starts to read the body.
func (g *keyedService) begin(as, contentType string, length int) (conn net.Conn, first string) {
	g.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(g.url, "http://"))
	if err != nil {
		g.Fatal(err)
	}
	g.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n\r\n",
		g.keys[as], contentType, length)
	answer := bufio.NewReader(conn)
	first, err = answer.ReadString('\n')
	if err != nil {
		g.Fatal(err)
	}
	return conn, strings.TrimSpace(first)
}

const (
	goesOn = "HTTP/1.1 100 Continue"
	ofX    = "multipart/form-data; boundary=x"
)

// Slow or stalled uploads block further ones of their owner and of no other, by neither their
// number nor their memory.
func TestSlowUploadsDontBlockOtherOwners(t *testing.T) {
	for name, tt := range map[string]struct {
		shares api.Shares
		length int
		most   int // such uploads of one owner
	}{
		"by their number": {api.Shares{Uploads: 8}, 1000, 2},
		"by their size":   {api.Shares{UploadMemory: 100}, 20 << 20, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := serveWithKeys(t, func(c *api.Config) { c.Shares = tt.shares })
			for range tt.most {
				if _, first := g.begin("right", ofX, tt.length); first != goesOn {
					t.Fatal(first)
				}
			}
			g.submitAs("other")
			contentType, body := form(t, field{"image", "p.jpg", make([]byte, tt.length)}, field{name: "style", value: style.Names()[0]})
			resp, answer := g.request("submit", "POST", "/v1/jobs", contentType, body) // another key of the same owner
			wantProblem(t, resp, answer, 429, "too_many_at_once", "your share of this server")
			if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || after < 1 || after > 15 {
				t.Errorf("Retry-After: %q; what sends nothing is given up after 15 s", resp.Header.Get("Retry-After"))
			}
			g.submitAs("other")
		})
	}
}

// The memory of an upload is free for the next one, however it ends.
func TestUploadsReleaseTheirMemory(t *testing.T) {
	s := serve(t, func(c *api.Config) { c.Shares = api.Shares{Uploads: 1, UploadMemory: 41} })
	large := append(jpegPicture(t), make([]byte, 20<<20-4000)...)
	fields := []field{{"style_image", "s.jpg", large}, {"image", "p.jpg", large}}
	for range 2 {
		photo, of := s.pictures(t, s.submit(fields...).ID)
		if !bytes.Equal(photo, large) || !bytes.Equal(of, large) {
			t.Error("the pictures are others than those that were sent")
		}
	}
	contentType, body := form(t, fields...)
	for _, broken := range []io.Reader{
		bytes.NewReader(body[:len(body)-10]),                                           // of a size that fits
		io.MultiReader(bytes.NewReader(body)),                                          // chunked
		io.MultiReader(bytes.NewReader(body), failing{}),                               // hangs up
		io.MultiReader(bytes.NewReader(body[:1000]), failing{}),                        // the same, early
		bytes.NewReader(append(bytes.Clone(body), make([]byte, 4<<20)...)),             // too large, by its length
		io.MultiReader(bytes.NewReader(body), bytes.NewReader(make([]byte, 4<<20))),    // too large, by what comes
		io.MultiReader(strings.NewReader("--x\r\n\r\n"), bytes.NewReader([]byte("x"))), // nonsense
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/jobs", broken)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", contentType)
		if resp, err := http.DefaultTransport.RoundTrip(req); err == nil {
			resp.Body.Close()
		}
	}
	s.submit(fields...)
	s.submit(field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the client is gone") }

// A stored picture holds no memory while the queue is slow.
func TestStoredUploadsHoldNoMemory(t *testing.T) {
	slow := &slowQueue{recordingQueue: &recordingQueue{}, sending: make(chan struct{}), sent: make(chan struct{})}
	s := serve(t, func(c *api.Config) { c.Queue, c.Shares = slow, api.Shares{UploadMemory: 41} })
	large := append(jpegPicture(t), make([]byte, 20<<20-4000)...)
	contentType, body := form(t, field{"style_image", "s.jpg", large}, field{"image", "p.jpg", large})
	var all sync.WaitGroup
	for i := range 2 {
		all.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/v1/jobs", bytes.NewReader(body))
			if err != nil {
				t.Error(err)
				return
			}
			req.Header.Set("Content-Type", contentType)
			if i > 0 {
				req.Header.Set("Idempotency-Key", "one")
			}
			if resp, answer := s.do(req); resp.StatusCode != http.StatusAccepted {
				t.Errorf("%s %s", resp.Status, answer)
			}
		})
	}
	<-slow.sending // both come here, although there is memory for one
	<-slow.sending
	close(slow.sent)
	all.Wait()
}

type slowQueue struct {
	*recordingQueue
	sending, sent chan struct{}
}

func (q *slowQueue) Send(ctx context.Context, m job.Message) error {
	q.sending <- struct{}{}
	<-q.sent
	return q.recordingQueue.Send(ctx, m)
}

// Every change counts towards an owner's rate, and no other request.
func TestChangesAreLimitedByOwner(t *testing.T) {
	for _, change := range []struct{ method, path, body string }{
		{"POST", "/v1/jobs/ID/cancel", ""}, {"POST", "/v1/jobs/ID/retry", ""}, {"DELETE", "/v1/jobs/ID", ""}, {"POST", "/v1/admin/redrive", `{"all": true}`},
	} {
		g := serveWithKeys(t, slow)
		id := g.annas(job.Failed) // which uses up anna's rate
		path := strings.Replace(change.path, "ID", string(id), 1)
		as := "right"
		if strings.Contains(path, "admin") {
			as = "admin"
			g.request(as, change.method, path, "application/json", []byte("{}")) // which uses up the admin's
		}
		resp, answer := g.request(as, change.method, path, "application/json", []byte(change.body))
		wantProblem(t, resp, answer, 429, "rate_limited", "0.001 changes a second")
		if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err != nil || after < 900 || after > 1000 {
			t.Errorf("%s: Retry-After %q", path, resp.Header.Get("Retry-After"))
		}
		if j, err := g.store.Job(id); err != nil || j.State != job.Failed || j.Run != 1 {
			t.Errorf("%s changed the job: %s, run %d, %v", path, j.State, j.Run, err)
		}
		if resp, answer := g.request("right", "GET", "/v1/jobs/"+string(id), "", nil); resp.StatusCode != http.StatusOK {
			t.Errorf("a look at it: %s %s", resp.Status, answer)
		}
		g.submitAs("other")
	}
}

// However many requests for readiness there are, the queue is checked once a second.
func TestReadinessIsCheckedOnce(t *testing.T) {
	q := &counting{recordingQueue: &recordingQueue{}}
	s := serve(t, func(c *api.Config) { c.Queue = q })
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 4 {
				if resp, answer := s.get("/readyz"); resp.StatusCode != http.StatusOK {
					t.Errorf("%s %s", resp.Status, answer)
				}
			}
		})
	}
	all.Wait()
	if n := q.checks.Load(); n > 20 { // one, but a machine may be slow
		t.Errorf("the queue was asked %d times for 200 requests", n)
	}
}

type counting struct {
	*recordingQueue
	checks atomic.Int32
}

func (c *counting) Check(ctx context.Context) error {
	c.checks.Add(1)
	return c.recordingQueue.Check(ctx)
}

// One owner's requests leave room for those of others and for the page.
func TestRequestsAreShared(t *testing.T) {
	g := serveWithKeys(t, func(c *api.Config) { c.Shares = api.Shares{Requests: 8} })
	for range 2 { // a quarter of 8
		if _, first := g.begin("right", ofX, 1000); first != goesOn {
			t.Fatal(first)
		}
	}
	resp, answer := g.request("right", "GET", "/v1/jobs", "", nil)
	wantProblem(t, resp, answer, 429, "too_many_at_once", "")
	for _, path := range []string{"/", "/healthz", "/readyz", "/v1/styles", "/v1/gallery"} {
		if resp, answer := g.request("none", "GET", path, "", nil); resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s %s", path, resp.Status, answer)
		}
	}
	if resp, answer := g.request("other", "GET", "/v1/jobs", "", nil); resp.StatusCode != http.StatusOK {
		t.Errorf("another owner: %s %s", resp.Status, answer)
	}
}

// One owner's waiting requests leave room for those of others; beyond its share the job is returned
// at once.
func TestWaitsAreShared(t *testing.T) {
	g := serveWithKeys(t, func(c *api.Config) { c.Depth, c.Shares = &depthReader{}, api.Shares{Waits: 8} })
	jobs := map[string]job.ID{"right": g.submitAs("right").ID, "other": g.submitAs("other").ID}
	held := 0
	wait := func(as string) <-chan struct{} {
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			if resp, body := g.request(as, "GET", "/v1/jobs/"+string(jobs[as])+"?wait=20", "", nil); resp.StatusCode != http.StatusOK {
				t.Errorf("%s: %s %s", as, resp.Status, body)
			}
		}()
		return answered
	}
	untilHeld := func(n int) {
		for held != n {
			_, body := g.request("admin", "GET", "/metrics", "", nil)
			_, rest, _ := strings.Cut(string(body), "\natelier_waiters ")
			_, _ = fmt.Sscan(rest, &held)
		}
	}
	all := []<-chan struct{}{wait("right"), wait("right")} // a quarter of 8
	untilHeld(2)
	<-wait("right")
	all = append(all, wait("other"))
	untilHeld(3)
	for _, id := range jobs {
		if _, err := g.store.Cancel(id); err != nil {
			t.Fatal(err)
		}
	}
	for _, answered := range all {
		<-answered
	}
}

// One owner's listings leave turns for those of others.
func TestListingsAreShared(t *testing.T) {
	g := serveWithKeys(t)
	g.submitAs("right")
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for ctx.Err() == nil {
				g.request("right", "GET", "/v1/jobs?limit=100", "", nil)
			}
		})
	}
	for range 20 {
		began := time.Now()
		if resp, answer := g.request("other", "GET", "/v1/jobs", "", nil); resp.StatusCode != http.StatusOK || time.Since(began) > 2*time.Second {
			t.Errorf("after %v: %s %s", time.Since(began), resp.Status, answer)
		}
	}
	stop()
	all.Wait()
}

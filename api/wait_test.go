package api_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// A timedServer is the API without a socket in a test with its own clock, in which a wait of 20 seconds
// takes no time.
type timedServer struct {
	*testing.T
	store  *store.Store
	server *api.Server
	id     job.ID
}

func withTimedServer(t *testing.T, cfg api.Config, test func(timedServer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s, err := store.Open(store.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		cfg.Store, cfg.Queue = s, &recordingQueue{}
		server, err := api.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		id, err := job.NewID()
		if err != nil {
			t.Fatal(err)
		}
		spec := &job.Spec{ID: id, Style: style.Names()[0], Strength: 1, Format: "jpeg", Quality: 90, CreatedAt: time.Now().UTC()}
		if err := s.Create(spec, []byte("picture"), nil); err != nil {
			t.Fatal(err)
		}
		test(timedServer{t, s, server, id})
	})
}

type timedResponse struct {
	status int
	state  job.State
	etag   string
	after  time.Duration
}

// ask starts a request, and returns a channel for the response.
func (r timedServer) ask(ctx context.Context, query, etag string) <-chan timedResponse {
	began, answer := time.Now(), make(chan timedResponse, 1)
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/v1/jobs/"+string(r.id)+query, nil)
	if etag != "" {
		req.Header.Set("If-None-Match", etag)
	}
	go func() {
		w := httptest.NewRecorder()
		r.server.ServeHTTP(w, req)
		a := timedResponse{status: w.Code, etag: w.Header().Get("ETag"), after: time.Since(began)}
		var j job.Job
		if w.Code == http.StatusOK {
			if err := json.Unmarshal(w.Body.Bytes(), &j); err != nil {
				r.Error(err)
			}
		}
		a.state = j.State
		answer <- a
	}()
	return answer
}

func (r timedServer) etag() string { r.Helper(); return (<-r.ask(r.Context(), "", "")).etag }

// begun waits until all requests are waiting.
func (timedServer) begun() { synctest.Wait() }

func (r timedServer) claim() *store.Lease {
	r.Helper()
	lease, err := r.store.Claim(r.Context(), r.id, 1, "test")
	if err != nil {
		r.Fatal(err)
	}
	return lease
}

func TestWaitEnds(t *testing.T) {
	const soon = 500 * time.Millisecond
	for name, tt := range map[string]struct {
		limit  time.Duration // MaxWait
		query  string
		etag   string // * is any; "now" the job's own
		act    func(r timedServer)
		status int
		state  job.State
		from   time.Duration
		to     time.Duration
	}{
		"when the job is begun":          {query: "?wait=20", act: func(r timedServer) { r.claim() }, status: 200, state: job.Running, to: soon},
		"when its ETag differs":          {query: "?wait=20", etag: "now", act: func(r timedServer) { r.claim() }, status: 200, state: job.Running, to: soon},
		"when it is canceled":            {query: "?wait=20", act: func(r timedServer) { r.store.Cancel(r.id) }, status: 200, state: job.Canceled, to: soon},
		"when it is erased":              {query: "?wait=20", act: func(r timedServer) { r.store.Erase(r.id, store.Erased) }, status: 410, to: soon},
		"later, when nothing happens":    {query: "?wait=20", status: 200, state: job.Queued, from: 20 * time.Second, to: 20 * time.Second},
		"with 304, when nothing happens": {query: "?wait=3", etag: "now", status: 304, from: 3 * time.Second, to: 3 * time.Second},
		"with any ETag":                  {query: "?wait=3", etag: "*", status: 304, from: 3 * time.Second, to: 3 * time.Second},
		"at the server's limit":          {limit: 5 * time.Second, query: "?wait=20", etag: "now", status: 304, from: 5 * time.Second, to: 5 * time.Second},
		"when the server stops":          {query: "?wait=20", etag: "now", act: func(r timedServer) { r.server.EndWaits(); r.server.EndWaits() }, status: 304},
		"at once with an old ETag":       {query: "?wait=20", etag: `"old"`, status: 200, state: job.Queued},
		"at once without a wait":         {query: "?wait=0", status: 200, state: job.Queued},
	} {
		t.Run(name, func(t *testing.T) {
			withTimedServer(t, api.Config{MaxWait: tt.limit}, func(r timedServer) {
				if tt.etag == "now" {
					tt.etag = r.etag()
				}
				answer := r.ask(r.Context(), tt.query, tt.etag)
				if r.begun(); tt.act != nil {
					tt.act(r)
				}
				got := <-answer
				if got.status != tt.status || got.state != tt.state || got.after < tt.from || got.after > tt.to {
					t.Errorf("got %d %s after %v, want %d %s after %v to %v", got.status, got.state, got.after, tt.status, tt.state, tt.from, tt.to)
				}
			})
		})
	}
}

// A client of a quick job is notified soon.
func TestWaitNoticesQuickJobsSoon(t *testing.T) {
	for _, after := range []time.Duration{5 * time.Millisecond, 30 * time.Millisecond, 400 * time.Millisecond} {
		withTimedServer(t, api.Config{}, func(r timedServer) {
			answer := r.ask(r.Context(), "?wait=20", "")
			time.Sleep(after)
			r.claim()
			if got, most := <-answer, 10*time.Millisecond+after*9/8; got.after > most {
				t.Errorf("begun after %v, and answered after %v, want %v at most", after, got.after, most)
			}
		})
	}
}

func TestWaitForFinishedJob(t *testing.T) {
	withTimedServer(t, api.Config{}, func(r timedServer) {
		if err := r.claim().Fail(job.Failure{Code: "x", Message: "y"}); err != nil {
			t.Fatal(err)
		}
		for _, etag := range []string{"", r.etag()} {
			if got := <-r.ask(r.Context(), "?wait=20", etag); got.after != 0 {
				t.Errorf("a finished job, ETag %q: answered after %v", etag, got.after)
			}
		}
	})
}

// If all places are taken, the job is returned at once.
func TestWaitersAreLimited(t *testing.T) {
	withTimedServer(t, api.Config{Shares: api.Shares{Waits: 2}}, func(r timedServer) {
		first, second := r.ask(r.Context(), "?wait=20", ""), r.ask(r.Context(), "?wait=20", "")
		r.begun()
		if got := <-r.ask(r.Context(), "?wait=20", ""); got.status != 200 || got.after != 0 {
			t.Errorf("the third: %+v, want an answer at once", got)
		}
		r.claim()
		<-first
		<-second
		if got := <-r.ask(r.Context(), "?wait=20", r.etag()); got.after != 20*time.Second {
			t.Errorf("when a place is free again: answered after %v", got.after)
		}
	})
}

// The wait of a client that disconnects ends.
func TestWaitEndsWithItsClient(t *testing.T) {
	withTimedServer(t, api.Config{Shares: api.Shares{Waits: 1}}, func(r timedServer) {
		ctx, hangUp := context.WithCancel(r.Context())
		answer := r.ask(ctx, "?wait=20", "")
		r.begun()
		hangUp()
		if got := <-answer; got.after != 0 {
			t.Errorf("waited for %v after the client had disconnected", got.after)
		}
		if got := <-r.ask(r.Context(), "?wait=1", ""); got.after != time.Second {
			t.Errorf("its place was not free again: %+v", got)
		}
	})
}

func TestInvalidWaits(t *testing.T) {
	s := serve(t)
	j := s.submit(field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
	for _, wait := range []string{"21", "-1", "1.5", "soon", "99999999999999999999"} {
		resp, body := s.get("/v1/jobs/" + string(j.ID) + "?wait=" + wait)
		wantProblem(t, resp, body, 422, "invalid_field", "wait: ")
	}
}

// An ETag always stands for the same bytes, in all servers: a job that returns to an earlier state
// has other bytes and another ETag.
func TestETagIdentifiesContent(t *testing.T) {
	s := serve(t)
	other, err := store.Open(store.Config{Dir: s.store.Dir()})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	second, err := api.New(api.Config{Store: other, Queue: s.queue})
	if err != nil {
		t.Fatal(err)
	}
	elsewhere := httptest.NewServer(second)
	defer elsewhere.Close()

	j := s.submit(field{"image", "p.jpg", jpegPicture(t)}, field{name: "style", value: style.Names()[0]})
	seen := map[string]string{}
	look := func() {
		t.Helper()
		resp, body := s.get("/v1/jobs/" + string(j.ID))
		etag := resp.Header.Get("ETag")
		if was, ok := seen[etag]; ok && was != string(body) {
			t.Errorf("%s stands for\n%s and\n%s", etag, was, body)
		}
		seen[etag] = string(body)
		again, err := http.Get(elsewhere.URL + "/v1/jobs/" + string(j.ID))
		if err != nil {
			t.Fatal(err)
		}
		again.Body.Close()
		if got := again.Header.Get("ETag"); got != etag || len(etag) > 24 || strings.HasPrefix(etag, "W/") {
			t.Errorf("got the ETags %s and %s of two servers", etag, got)
		}
	}
	run := func(run int, end func(*store.Lease) error) {
		t.Helper()
		look()
		lease, err := s.store.Claim(t.Context(), j.ID, run, "test")
		if err != nil {
			t.Fatal(err)
		}
		look()
		if err := end(lease); err != nil {
			t.Fatal(err)
		}
		look()
	}
	run(1, func(l *store.Lease) error { return l.Release(true) })
	run(1, func(l *store.Lease) error { return l.Fail(job.Failure{Code: "x", Message: "y"}) })
	if _, _, err := s.store.Retry(j.ID); err != nil {
		t.Fatal(err)
	}
	run(2, func(l *store.Lease) error {
		return l.Succeed(jpegPicture(t), nil, job.Result{Width: 60, Height: 40, ContentType: "image/jpeg"}, job.Receipt{})
	})
	if len(seen) != 8 {
		t.Errorf("eight versions have %d ETags", len(seen))
	}
}

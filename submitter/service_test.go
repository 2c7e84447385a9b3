package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/atelier-go/atelier/api"
	"github.com/atelier-go/atelier/api/keyring"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
)

// A service is Atelier as the submitter sees it, on a socket: the real API and store, with a
// queue in memory and a worker that a test controls.
type service struct {
	store   *store.Store
	queue   memoryQueue
	real    http.Handler // without faults
	handler http.Handler
	address string // the same after stop and start

	server  *http.Server
	lease   *store.Lease // of the job that the worker has claimed
	claimed map[job.ID]bool

	stalled  chan struct{} // receives when a request begins to stall
	released chan struct{} // closed when stalled requests may go on

	mu      sync.Mutex
	spawned int                           // processes of a script; a new connection counts as one of the last
	reads   int                           // of jobs, by the process that was spawned last
	known   map[string]bool               // the ETags of reads of jobs
	changed chan struct{}                 // closed and replaced with each read of a job
	faults  map[string][]http.HandlerFunc // by kind of request
}

// A memoryQueue is a queue in memory.
type memoryQueue chan job.Message

// Send and Check are all that the API asks of a queue.
func (q memoryQueue) Send(_ context.Context, m job.Message) error { q <- m; return nil }
func (q memoryQueue) Check(context.Context) error                 { return nil }

func newService(dir string) (*service, error) {
	s := &service{
		claimed: map[job.ID]bool{},
		queue:   make(memoryQueue, 1000), known: map[string]bool{}, changed: make(chan struct{}), faults: map[string][]http.HandlerFunc{},
		stalled: make(chan struct{}, 100), released: make(chan struct{}),
	}
	var err error
	if s.store, err = store.Open(store.Config{Dir: dir}); err != nil {
		return nil, err
	}
	s.address = "127.0.0.1:0"
	return s, s.serve(nil)
}

// serve starts the service, which requires a key unless keys is nil.
func (s *service) serve(keys *keyring.Ring) error {
	handler, err := api.New(api.Config{Store: s.store, Queue: s.queue, Version: "test", Keys: keys})
	if err != nil {
		return err
	}
	// Under a prefix too, as behind an API Gateway's stage.
	mux := http.NewServeMux()
	mux.Handle("/", handler)
	mux.Handle("/stage/", http.StripPrefix("/stage", handler))
	s.real = mux
	s.handler = s.watch(mux)
	return s.start()
}

// requireKeys makes the service require a key from now on, and returns one for each holder.
func (s *service) requireKeys(file string, holders ...keyring.Holder) (keys []string, err error) {
	var lines []byte
	for _, h := range holders {
		key, line := keyring.New(h)
		keys, lines = append(keys, key), append(append(lines, line...), '\n')
	}
	if err := os.WriteFile(file, lines, 0o600); err != nil {
		return nil, err
	}
	ring, err := keyring.Open(file, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	s.stop()
	return keys, s.serve(ring)
}

func (s *service) url() string { return "http://" + s.address }

func (s *service) start() error {
	l, err := net.Listen("tcp", s.address)
	if err != nil {
		return err
	}
	s.address = l.Addr().String()
	s.server = &http.Server{Handler: s.handler, ConnContext: func(ctx context.Context, _ net.Conn) context.Context {
		s.mu.Lock()
		defer s.mu.Unlock()
		return context.WithValue(ctx, spawnKey{}, s.spawned)
	}}
	go func(server *http.Server) { _ = server.Serve(l) }(s.server) // ends with Close
	return nil
}

// spawnKey is the context key of the number of the process that a connection is from. The last
// request of an interrupted process may arrive after its end.
type spawnKey struct{}

func (s *service) stop() { _ = s.server.Close() }

// requestKind returns the name that scripts have for a request.
func requestKind(r *http.Request) string {
	last := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
	switch {
	case r.Method == http.MethodDelete:
		return "delete"
	case r.Method == http.MethodPost && last != "jobs":
		return last // cancel, retry, redrive
	case r.Method == http.MethodPost:
		return "submit"
	case strings.HasSuffix(r.URL.Path, "/result"):
		return "result"
	case strings.Contains(r.URL.Path, "/v1/jobs/"):
		return "job"
	case last == "jobs":
		return "list"
	}
	return "styles"
}

// watch counts the reads of jobs, and responds with the faults that were added.
func (s *service) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := requestKind(r)
		s.mu.Lock()
		if kind == "job" {
			if r.Context().Value(spawnKey{}) == s.spawned {
				s.reads++
			}
			s.known[r.Header.Get("If-None-Match")] = true
			close(s.changed)
			s.changed = make(chan struct{})
		}
		var fault http.HandlerFunc
		if list := s.faults[kind]; len(list) > 0 {
			fault, s.faults[kind] = list[0], list[1:]
		}
		s.mu.Unlock()
		if fault != nil {
			fault(w, r)
		} else {
			next.ServeHTTP(w, r)
		}
	})
}

// waitReads waits until enough returns true, which is called after each read of a job.
func (s *service) waitReads(enough func() bool) error {
	late := time.After(scriptTimeout)
	for {
		s.mu.Lock()
		changed, ok := s.changed, enough()
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-late:
			return errors.New("no job was read")
		}
	}
}

// etag returns a job's current ETag.
func (s *service) etag(id job.ID) string {
	w := httptest.NewRecorder()
	s.real.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/v1/jobs/"+string(id), nil))
	return w.Header().Get("ETag")
}

func number(s string) (n int) {
	if _, err := fmt.Sscan(s, &n); err != nil {
		panic(err)
	}
	return n
}

// claimNext claims the oldest job of the queue, as a worker does. Messages of finished and
// erased jobs are dropped.
func (s *service) claimNext() (job.ID, error) {
	for {
		select {
		case m := <-s.queue:
			lease, err := s.store.Claim(context.Background(), m.Job, m.Run, "test")
			if errors.Is(err, job.ErrFinished) || errors.Is(err, job.ErrGone) {
				continue
			}
			s.lease, s.claimed[m.Job] = lease, true
			return m.Job, err
		case <-time.After(scriptTimeout):
			return "", errors.New("nothing was submitted")
		}
	}
}

// paintAll paints whatever is submitted, until stop is closed.
func (s *service) paintAll(stop chan struct{}, picture []byte) error {
	for {
		select {
		case m := <-s.queue:
			lease, err := s.store.Claim(context.Background(), m.Job, m.Run, "test")
			if err == nil {
				err = paint(lease, picture)
			}
			if err != nil && !errors.Is(err, job.ErrFinished) && !errors.Is(err, job.ErrGone) {
				return err
			}
		case <-stop:
			return nil
		}
	}
}

func (s *service) succeed(picture []byte) error {
	l := s.lease
	s.lease = nil
	return paint(l, picture)
}

func paint(l *store.Lease, picture []byte) error {
	return l.Succeed(picture, nil, job.Result{Width: 80, Height: 60, ContentType: imageio.ContentType(l.Spec.Format)},
		job.Receipt{Worker: "daemon", Engine: "TensorFlow 2", Model: "m", StylizeMS: 12})
}

func (s *service) fail(code, message string) error {
	l := s.lease
	s.lease = nil
	return l.Fail(job.Failure{Code: code, Message: message})
}

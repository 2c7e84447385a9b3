package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// A service is Atelier as the submitter sees it, on a socket: the real API and
// store, with a queue in memory and a worker that is told what to do.
type service struct {
	store   *store.Store
	queue   memoryQueue
	real    http.Handler // as it behaves by itself
	handler http.Handler
	address string // the same after stop and start

	server *http.Server
	lease  *store.Lease // of the job that the worker has taken
	begun  map[job.ID]bool

	stalled  chan struct{} // receives when a request is being stalled
	released chan struct{} // closed when stalled requests may go on

	mu      sync.Mutex
	spawned int             // processes by a script; a connection is taken to be from the last
	reads   int             // of jobs, since a process was spawned, by that one
	known   map[string]bool // the ETags that readers of jobs have named
	news    chan struct{}   // closed and replaced with each of them
	odd     map[string][]http.HandlerFunc
}

// A memoryQueue is a queue that loses nothing.
type memoryQueue chan job.Message

// Send and Check are all that the API asks of a queue.
func (q memoryQueue) Send(_ context.Context, m job.Message) error { q <- m; return nil }
func (q memoryQueue) Check(context.Context) error                 { return nil }

func newService(dir string) (*service, error) {
	s := &service{
		begun: map[job.ID]bool{},
		queue: make(memoryQueue, 1000), known: map[string]bool{}, news: make(chan struct{}), odd: map[string][]http.HandlerFunc{},
		stalled: make(chan struct{}, 100), released: make(chan struct{}),
	}
	var err error
	if s.store, err = store.Open(store.Config{Dir: dir}); err != nil {
		return nil, err
	}
	s.address = "127.0.0.1:0"
	return s, s.serve(nil)
}

// serve starts the service, which asks for keys where there are any.
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

// lock has the service ask for keys from now on, and answers one for each
// holder.
func (s *service) lock(file string, holders ...keyring.Holder) (keys []string, err error) {
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

// spawnKey is of the number of the process that a connection is from. What one
// that was interrupted has sent last may arrive when it has ended.
type spawnKey struct{}

func (s *service) stop() { _ = s.server.Close() }

// requestKind is what the scripts call a request.
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

// watch counts the reads of jobs and misbehaves when it was told to.
func (s *service) watch(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kind := requestKind(r)
		s.mu.Lock()
		if kind == "job" {
			if r.Context().Value(spawnKey{}) == s.spawned {
				s.reads++
			}
			s.known[r.Header.Get("If-None-Match")] = true
			close(s.news)
			s.news = make(chan struct{})
		}
		var odd http.HandlerFunc
		if list := s.odd[kind]; len(list) > 0 {
			odd, s.odd[kind] = list[0], list[1:]
		}
		s.mu.Unlock()
		if odd != nil {
			odd(w, r)
		} else {
			next.ServeHTTP(w, r)
		}
	})
}

// waitReads waits until something holds for the reads of jobs.
func (s *service) waitReads(enough func() bool) error {
	late := time.After(patienceOfScripts)
	for {
		s.mu.Lock()
		news, ok := s.news, enough()
		s.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-news:
		case <-late:
			return errors.New("no job was read")
		}
	}
}

// etag is a job's as it stands.
func (s *service) etag(id job.ID) string {
	w := httptest.NewRecorder()
	s.real.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "http://localhost/v1/jobs/"+string(id), nil))
	return w.Header().Get("ETag")
}

// misbehave arranges the answer to the next request of a kind:
//
//	STATUS [DETAIL [RETRY-AFTER]]   a problem
//	made STATUS [DETAIL]            done, and then a problem
//	html STATUS                     as a proxy answers
//	away URL                        a redirect
//	torn                            a success that ends in the middle
//	lost                            done, and then the connection is closed without an answer
//	begun                           the same, and a worker begins the job
//	pages                           a redrive with a page to follow
//	page, stuck                     an empty page of a list with one to follow, or with itself
//	real                            as ever
//	hangup                          the connection is closed without an answer, after the request was read
//	stall [whole|made]              no answer, once a little of the request was read, or all, or all was done
//	slam                            a problem, and the connection is closed, with most of the request unread
//	flip, cut, long                 a result with a wrong byte, too short, too long
func (s *service) misbehave(kind string, args []string) error {
	args = append(args, "", "")
	var odd http.HandlerFunc
	switch args[0] {
	case "html":
		odd = func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "<html>\x1b[31mno</html>", number(args[1]))
		}
	case "away":
		odd = func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, args[1], http.StatusTemporaryRedirect)
		}
	case "real":
		odd = s.real.ServeHTTP
	case "hangup":
		odd = func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseMultipartForm(1 << 20)
			panic(http.ErrAbortHandler)
		}
	case "lost", "begun":
		odd = func(_ http.ResponseWriter, r *http.Request) {
			s.real.ServeHTTP(httptest.NewRecorder(), r)
			if args[0] == "begun" {
				if _, err := s.begin(); err != nil {
					panic(err)
				}
			}
			panic(http.ErrAbortHandler)
		}
	case "pages":
		odd = func(w http.ResponseWriter, _ *http.Request) {
			const id = `"0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9e0f"`
			s.mu.Lock()
			defer s.mu.Unlock()
			_, _ = fmt.Fprintf(w, `{"retried":[%s],"skipped":[],"next_cursor":"0193a5c8-7e1b-7c3d-9f10-2b6a4c8d9%03d"}`, id, len(s.odd["redrive"]))
		}
	case "page", "stuck":
		odd = func(w http.ResponseWriter, r *http.Request) {
			id := [16]byte{0: 0x1d, 1: 0x80, 6: 0x70, 8: 0x80} // of a job in the year 2997
			if args[0] == "page" {
				id[15] = byte(len(r.URL.RawQuery))
			}
			_, _ = fmt.Fprintf(w, `{"jobs":[],"next_cursor":%q}`, base64.RawURLEncoding.EncodeToString(id[:]))
		}
	case "torn":
		odd = func(w http.ResponseWriter, r *http.Request) {
			_ = r.ParseMultipartForm(1 << 20)
			w.Header().Set("Content-Length", "100")
			w.WriteHeader(http.StatusAccepted)
			_, _ = w.Write([]byte(`{"id":`))
			panic(http.ErrAbortHandler)
		}
	case "stall":
		odd = func(_ http.ResponseWriter, r *http.Request) {
			switch args[1] {
			case "whole":
				_, _ = io.Copy(io.Discard, r.Body)
			case "made":
				s.real.ServeHTTP(httptest.NewRecorder(), r)
			default:
				_, _ = r.Body.Read(make([]byte, 1))
			}
			s.stalled <- struct{}{}
			<-s.released
			panic(http.ErrAbortHandler)
		}
	case "slam":
		odd = slam
	case "flip", "cut", "long":
		odd = func(w http.ResponseWriter, r *http.Request) { s.damaged(w, r, args[0]) }
	case "made":
		odd = func(w http.ResponseWriter, r *http.Request) {
			s.real.ServeHTTP(httptest.NewRecorder(), r)
			problem(w, args[1], args[2], "")
		}
	default:
		odd = func(w http.ResponseWriter, _ *http.Request) { problem(w, args[0], args[1], args[2]) }
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.odd[kind] = append(s.odd[kind], odd)
	return nil
}

func problem(w http.ResponseWriter, status, detail, retryAfter string) {
	if retryAfter != "" {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(number(status))
	_ = json.NewEncoder(w).Encode(map[string]any{"status": number(status), "detail": detail, "code": "odd"})
}

func slam(w http.ResponseWriter, r *http.Request) {
	_, _ = r.Body.Read(make([]byte, 1))
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	const detail = `{"detail":"too large, by far"}`
	_, _ = fmt.Fprintf(conn, "HTTP/1.1 413 Content Too Large\r\nContent-Type: application/problem+json\r\nContent-Length: %d\r\n\r\n%s", len(detail), detail)
	_ = conn.Close()
}

// damaged answers a result that isn't the job's.
func (s *service) damaged(w http.ResponseWriter, r *http.Request, how string) {
	right := httptest.NewRecorder()
	s.real.ServeHTTP(right, r)
	b := right.Body.Bytes()
	switch how {
	case "flip":
		b[len(b)/2] ^= 1
	case "long":
		b = append(b, 0)
	case "cut":
		w.Header().Set("Content-Length", fmt.Sprint(len(b)))
		b = b[:len(b)/2]
	}
	_, _ = w.Write(b)
	if how == "cut" {
		panic(http.ErrAbortHandler)
	}
}

func number(s string) (n int) {
	if _, err := fmt.Sscan(s, &n); err != nil {
		panic(err)
	}
	return n
}

// begin takes the oldest job off the queue, as a worker does: what is finished
// or gone already is dropped.
func (s *service) begin() (job.ID, error) {
	for {
		select {
		case m := <-s.queue:
			lease, err := s.store.Claim(context.Background(), m.Job, m.Run, "test")
			if errors.Is(err, job.ErrFinished) || errors.Is(err, job.ErrGone) {
				continue
			}
			s.lease, s.begun[m.Job] = lease, true
			return m.Job, err
		case <-time.After(patienceOfScripts):
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

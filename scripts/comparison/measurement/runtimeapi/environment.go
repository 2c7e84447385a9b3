package runtimeapi

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// An environment is a process of the function, with its own runtime API.
type environment struct {
	// These fields are guarded by the host's lock.
	busy  int // occupied places
	taken int // number of times that a place was taken

	cmd     *exec.Cmd
	server  *http.Server
	log     string
	timeout time.Duration
	began   time.Time
	ready   chan struct{} // closed when the process requests its first event
	started time.Duration // time from began to the first request
	ended   chan struct{} // closed when the process has ended
	events  chan *delivery
	used    atomic.Bool // it has had an event

	mu        sync.Mutex
	delivered map[string]*delivery // events being handled, by id
	n         int
}

// A delivery is an event that is being delivered or handled.
type delivery struct {
	event     []byte
	responded chan response
	delivered atomic.Pointer[time.Time]
}

// at returns when the function received the event.
func (d *delivery) at() time.Time { return *d.delivered.Load() }

type response struct {
	payload []byte
	failed  bool
	at      time.Time
}

// start starts a process.
func start(cfg Config) (_ *environment, err error) {
	e := &environment{
		log: cfg.Log, timeout: cfg.Timeout, ready: make(chan struct{}), ended: make(chan struct{}), events: make(chan *delivery),
		delivered: map[string]*delivery{},
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	e.server = &http.Server{Handler: e.api(), ReadHeaderTimeout: time.Minute}
	defer func() {
		if err != nil {
			_ = errors.Join(e.server.Close(), l.Close()) // err has the reason
		}
	}()
	if e.cmd, err = cfg.Command(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(cfg.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own copy
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.Env = append(e.cmd.Environ(), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=worker-lambda", "AWS_LAMBDA_LOG_STREAM_NAME=local")
	if cfg.Concurrency > 1 {
		e.cmd.Env = append(e.cmd.Env, "AWS_LAMBDA_MAX_CONCURRENCY="+strconv.Itoa(cfg.Concurrency))
	}
	if cfg.MemoryMB > 0 {
		e.cmd.Env = append(e.cmd.Env, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(cfg.MemoryMB))
	}
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that its children can be killed with it
	e.began = time.Now()
	go func() { _ = e.server.Serve(l) }() // ends when the server is closed
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = e.cmd.Wait() // the log has the reason
		e.kill()
		close(e.ended)
		_ = e.server.Close()
	}()
	return e, nil
}

// first returns true for the first event of the environment.
func (e *environment) first() bool { return !e.used.Swap(true) }

// api returns the runtime API as in "Using the Lambda runtime API for custom runtimes" in the AWS
// Lambda Developer Guide.
func (e *environment) api() http.Handler {
	const runtime = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	first := sync.OnceFunc(func() { e.started = time.Since(e.began); close(e.ready) })
	mux.HandleFunc("GET "+runtime+"invocation/next", func(w http.ResponseWriter, r *http.Request) {
		first()
		select {
		case d := <-e.events:
			now := time.Now()
			d.delivered.Store(&now)
			header := w.Header()
			header.Set("Lambda-Runtime-Aws-Request-Id", e.remember(d))
			header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(now.Add(e.timeout).UnixMilli(), 10))
			header.Set("Content-Type", "application/json")
			_, _ = w.Write(d.event) // fails only if the process has ended
		case <-r.Context().Done():
		}
	})
	for _, end := range []string{"response", "error"} {
		mux.HandleFunc("POST "+runtime+"invocation/{id}/"+end, func(w http.ResponseWriter, r *http.Request) {
			payload, err := io.ReadAll(r.Body)
			if err != nil {
				payload = []byte(err.Error())
			}
			d := e.forget(r.PathValue("id"))
			if d == nil {
				http.Error(w, "there is no such event", http.StatusNotFound)
				return
			}
			d.responded <- response{payload, err != nil || end == "error", time.Now()}
			w.WriteHeader(http.StatusAccepted)
		})
	}
	mux.HandleFunc("POST "+runtime+"init/error", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted) // the process ends itself, and the log has the reason
	})
	return mux
}

func (e *environment) remember(d *delivery) (id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.n++
	id = strconv.Itoa(e.n)
	e.delivered[id] = d
	return id
}

func (e *environment) forget(id string) *delivery {
	e.mu.Lock()
	defer e.mu.Unlock()
	d := e.delivered[id]
	delete(e.delivered, id)
	return d
}

// kill ends the process and its children.
func (e *environment) kill() { _ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL) } // fails only if they have ended

// failure returns err with the end of the function's log.
func (e *environment) failure(err error) error {
	b, lerr := os.ReadFile(e.log)
	if lerr != nil {
		return err
	}
	return fmt.Errorf("%w; the end of its log: %s", err, b[max(0, len(b)-1000):])
}

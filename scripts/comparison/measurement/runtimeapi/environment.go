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

// An environment is a process of the function, with a runtime API of its own.
type environment struct {
	// The host's lock guards these.
	busy  int // places that are taken
	taken int // how often one was

	cmd     *exec.Cmd
	server  *http.Server
	log     string
	timeout time.Duration
	began   time.Time
	ready   chan struct{} // closed once the process asks for its first event
	started time.Duration // from began to there
	ended   chan struct{} // closed once the process has ended
	events  chan *delivery
	used    atomic.Bool // it has had an event

	mu        sync.Mutex
	delivered map[string]*delivery // events that are being handled, by id
	n         int
}

// A delivery is an event on its way.
type delivery struct {
	event     []byte
	answered  chan answer
	delivered atomic.Pointer[time.Time]
}

// at is when the function got the event.
func (d *delivery) at() time.Time { return *d.delivered.Load() }

type answer struct {
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
			_ = errors.Join(e.server.Close(), l.Close()) // the reason is err
		}
	}()
	if e.cmd, err = cfg.Command(); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(cfg.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	e.cmd.Stdout, e.cmd.Stderr = log, log
	e.cmd.Env = append(e.cmd.Environ(), "AWS_LAMBDA_RUNTIME_API="+l.Addr().String(), "AWS_LAMBDA_FUNCTION_NAME=worker-lambda", "AWS_LAMBDA_LOG_STREAM_NAME=local")
	if cfg.Concurrency > 1 {
		e.cmd.Env = append(e.cmd.Env, "AWS_LAMBDA_MAX_CONCURRENCY="+strconv.Itoa(cfg.Concurrency))
	}
	if cfg.MemoryMB > 0 {
		e.cmd.Env = append(e.cmd.Env, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE="+strconv.Itoa(cfg.MemoryMB))
	}
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it starts ends with it
	e.began = time.Now()
	go func() { _ = e.server.Serve(l) }() // until it is closed
	if err := e.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = e.cmd.Wait() // its log says why
		e.kill()
		close(e.ended)
		_ = e.server.Close()
	}()
	return e, nil
}

// first is true for the first who asks.
func (e *environment) first() bool { return !e.used.Swap(true) }

// api is the runtime API, by "Using the Lambda runtime API for custom runtimes" in the AWS
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
			_, _ = w.Write(d.event) // else the process has ended
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
			d.answered <- answer{payload, err != nil || end == "error", time.Now()}
			w.WriteHeader(http.StatusAccepted)
		})
	}
	mux.HandleFunc("POST "+runtime+"init/error", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusAccepted) // the process ends itself, and its log says why
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

// kill ends the process and what it has started.
func (e *environment) kill() { _ = syscall.Kill(-e.cmd.Process.Pid, syscall.SIGKILL) } // they may have ended

// failure is an error with the last that the function has logged.
func (e *environment) failure(err error) error {
	b, lerr := os.ReadFile(e.log)
	if lerr != nil {
		return err
	}
	return fmt.Errorf("%w; the end of its log: %s", err, b[max(0, len(b)-1000):])
}

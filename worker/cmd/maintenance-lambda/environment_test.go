package main_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// An environment runs a function as Lambda does: the real program requests events from a runtime API,
// one at a time. A process that has ended is started again for the next event.
type environment struct {
	t       *testing.T
	program string
	env     []string
	timeout time.Duration

	one    sync.Mutex // held during an invocation
	server *httptest.Server
	events chan []byte
	ends   chan error

	mu      sync.Mutex
	process *exec.Cmd
	exited  chan struct{} // closed when process has ended
	log     bytes.Buffer  // of all processes
}

func newEnvironment(t *testing.T, program string, env []string) *environment {
	t.Helper()
	e := &environment{t: t, program: program, env: env, timeout: time.Minute, events: make(chan []byte), ends: make(chan error)}
	mux := http.NewServeMux()
	const prefix = "/2018-06-01/runtime/invocation/"
	mux.HandleFunc("GET "+prefix+"next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case event := <-e.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", fmt.Sprint(time.Now().Add(e.timeout).UnixMilli()))
			_, _ = w.Write(event) // the process was killed
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST "+prefix+"1/{end}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var err error
		if r.PathValue("end") == "error" {
			err = fmt.Errorf("the function failed: %s", body)
		}
		w.WriteHeader(http.StatusAccepted)
		select {
		case e.ends <- err:
		case <-r.Context().Done():
		}
	})
	e.server = httptest.NewServer(mux)
	t.Cleanup(func() { e.kill(); e.server.Close() })
	return e
}

var build = sync.OnceValues(func() (program string, err error) {
	program = filepath.Join(os.Getenv("TEST_BUILDS"), "bootstrap")
	cmd := exec.Command("go", "build", "-o", program, ".")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return program, nil
})

// buildFunction builds the program as scripts/deploy/build does, once for all tests, and returns its
// file.
func buildFunction(t *testing.T) string {
	t.Helper()
	program, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return program
}

// invoke sends an event to the function and returns the function's error, or an error if its process
// ends.
func (e *environment) invoke(event any) error {
	payload, err := json.Marshal(event)
	if err != nil {
		return err
	}
	e.one.Lock()
	defer e.one.Unlock()
	exited, err := e.start()
	if err != nil {
		return err
	}
	select {
	case e.events <- payload:
	case <-exited:
		return errors.New("the process ended before it received the event")
	}
	select {
	case err := <-e.ends:
		return err
	case <-exited:
		return errors.New("the process ended during the invocation")
	case <-time.After(e.timeout + time.Second):
		return errors.New("the function did not return before its deadline")
	}
}

// start starts a process unless one is running.
func (e *environment) start() (exited chan struct{}, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	select {
	case <-e.exited:
	default:
		if e.exited != nil {
			return e.exited, nil
		}
	}
	e.process = exec.Command(e.program)
	e.process.Env = append(slices.Clip(e.env), "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(e.server.URL, "http://"))
	output := &locked{mu: &e.mu, b: &e.log}
	e.process.Stdout, e.process.Stderr = output, output
	if err := e.process.Start(); err != nil {
		return nil, err
	}
	process := e.process
	exited = make(chan struct{})
	e.exited = exited
	go func() { _ = process.Wait(); close(exited) }() // killed
	return exited, nil
}

// kill ends the process, if there is one, and waits for it.
func (e *environment) kill() (killed bool) {
	e.mu.Lock()
	process, exited := e.process, e.exited
	e.mu.Unlock()
	if process == nil {
		return false
	}
	killed = process.Process.Kill() == nil
	<-exited
	return killed
}

// logged returns the log of all processes.
func (e *environment) logged() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.log.String()
}

// A locked is a buffer that is written with a mutex locked.
type locked struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

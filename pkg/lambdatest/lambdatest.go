// Package lambdatest runs a function's program as AWS Lambda does: it is a stand-in for
// the runtime API (2018-06-01), for tests, with one process and one event at a time.
package lambdatest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// timeout is the timeout of the function, and the time that its program may take to start.
const timeout = time.Minute

// A Function is a running program of a function. It is safe for concurrent use, and handles one
// event at a time.
type Function struct {
	log     string        // file
	ready   chan struct{} // closed once the program asks for its first event
	ended   chan struct{} // closed once the program has ended
	events  chan event
	answers chan answer
	busy    sync.Mutex
	n       int // events so far
}

type event struct {
	id      string
	payload []byte
}

type answer struct {
	payload []byte
	failed  bool
}

// Start starts a program, whose environment must be set, and waits until it asks for its
// first event. The process is killed when the test ends.
func Start(t testing.TB, cmd *exec.Cmd) *Function {
	t.Helper()
	f := &Function{ready: make(chan struct{}), ended: make(chan struct{}), events: make(chan event), answers: make(chan answer, 1)}
	server := httptest.NewServer(f.runtime())
	cmd.Env = append(cmd.Env, "AWS_LAMBDA_RUNTIME_API="+strings.TrimPrefix(server.URL, "http://"), "AWS_LAMBDA_FUNCTION_NAME=test")
	// A file, and not a pipe, so that what a program has written before it responded is there.
	f.log = filepath.Join(t.TempDir(), "log")
	log, err := os.Create(f.log)
	if err == nil {
		cmd.Stdout, cmd.Stderr = log, log
		err = cmd.Start()
		_ = log.Close() // the process has its own
	}
	if err != nil {
		server.Close()
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait() // what it logged says why
		close(f.ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-f.ended
		server.CloseClientConnections()
		server.Close()
	})
	select {
	case <-f.ready:
	case <-f.ended:
		t.Fatalf("%s ended:\n%s", cmd.Path, f.Log())
	case <-time.After(timeout):
		t.Fatalf("%s asked for no event:\n%s", cmd.Path, f.Log())
	}
	return f
}

// runtime returns the handler of Lambda's runtime API, from which the program gets events and to
// which it sends responses.
func (f *Function) runtime() http.Handler {
	const invocation = "/2018-06-01/runtime/invocation/"
	mux := http.NewServeMux()
	first := sync.OnceFunc(func() { close(f.ready) })
	mux.HandleFunc("GET "+invocation+"next", func(w http.ResponseWriter, r *http.Request) {
		first()
		select {
		case e := <-f.events:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", e.id)
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(timeout).UnixMilli(), 10))
			_, _ = w.Write(e.payload) // the program has died
		case <-r.Context().Done():
		}
	})
	for _, end := range []string{"response", "error"} {
		mux.HandleFunc("POST "+invocation+"{id}/"+end, func(w http.ResponseWriter, r *http.Request) {
			payload, err := io.ReadAll(r.Body)
			if err != nil {
				payload = []byte(err.Error())
			}
			w.WriteHeader(http.StatusAccepted)
			f.answers <- answer{payload, err != nil || end == "error"}
		})
	}
	return mux
}

// Invoke sends an event and returns the function's response.
func (f *Function) Invoke(e any) ([]byte, error) {
	payload, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	f.busy.Lock()
	defer f.busy.Unlock()
	f.n++
	select {
	case f.events <- event{"invocation-" + strconv.Itoa(f.n), payload}:
	case <-f.ended:
		return nil, errors.New("the function has ended: " + f.Log())
	}
	select {
	case a := <-f.answers:
		if a.failed {
			return nil, fmt.Errorf("the function failed: %s", a.payload)
		}
		return a.payload, nil
	case <-f.ended:
		return nil, errors.New("the function has ended: " + f.Log())
	case <-time.After(timeout):
		return nil, errors.New("the function has timed out: " + f.Log())
	}
}

// Log returns what the program has printed so far.
func (f *Function) Log() string {
	b, err := os.ReadFile(f.log)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

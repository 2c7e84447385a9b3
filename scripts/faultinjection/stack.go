package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/queue/queueserver"
	"github.com/atelier-go/atelier/pkg/store"
)

// Settings are where a stack's programs and model are, and how it is built.
type settings struct {
	bin, model, onnxruntime string
	folder                  string // for the shared directory, logs and all else
	servers, daemons        int
	faults                  queuefake.Faults
	seed                    uint64
	env                     []string // further variables of all programs
}

// A stack is API servers and worker daemons with a queue over HTTP and a shared directory.
type stack struct {
	settings
	dir     string
	queue   *queuefake.Queue
	sqs     *queueserver.Server
	http    *http.Server
	address string // of the queue
	log     *os.File

	servers []*process
	daemons []*process
	listen  []string // addresses of the servers
}

const queueName = "jobs"

// newStack starts a stack, and returns once its servers are ready. It is to be closed.
func newStack(ctx context.Context, c settings) (_ *stack, err error) {
	s := &stack{settings: c, dir: filepath.Join(c.folder, "shared"), sqs: new(queueserver.Server)}
	s.queue = queuefake.New(queuefake.Config{MaxReceives: 10, Faults: c.faults, Seed: c.seed})
	s.sqs.Add(queueName, s.queue)
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return nil, err
	}
	if s.log, err = os.OpenFile(filepath.Join(c.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s.address = l.Addr().String()
	s.http = &http.Server{Handler: s.sqs, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.http.Serve(l) }() // it is closed at the end
	for range c.servers {
		address, err := freeAddress()
		if err != nil {
			return nil, errors.Join(err, s.close())
		}
		s.listen = append(s.listen, address)
	}
	for i, address := range s.listen {
		s.servers = append(s.servers, s.start(fmt.Sprintf("api-server %d", i), "api-server", "--listen", address, "--sweep-every", "1s",
			"--max-unfinished", "0", "--max-daily", "0", "--max-stored", "0", "--min-free", "0"))
	}
	for i := range c.daemons {
		s.daemons = append(s.daemons, s.start(fmt.Sprintf("worker-daemon %d", i), "worker-daemon-onnx", "--lease", "2s", "--grace", "5s",
			"--model", c.model, "--onnxruntime", c.onnxruntime, "--concurrent", "2"))
	}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// freeAddress is one that a server can listen on, again and again.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// start starts a program of the stack.
func (s *stack) start(name, program string, args ...string) *process {
	return startProcess(name, s.log, func() *exec.Cmd {
		cmd := exec.Command(filepath.Join(s.bin, program), append([]string{"--dir", s.dir, "--queue", queueName}, args...)...) //nolint:gosec // one of ours
		own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ATELIER_") || strings.HasPrefix(v, "AWS_") })
		cmd.Env = append(append(own, "AWS_ENDPOINT_URL=http://"+s.address, "AWS_REGION=us-east-1", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test"), s.env...)
		return cmd
	})
}

// ready waits until every server serves.
func (s *stack) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, address := range s.listen {
		c := &client{servers: []string{address}, http: http.DefaultClient}
		for {
			_, _, err := c.do(ctx, http.MethodGet, "/readyz", nil, nil)
			if err == nil {
				break
			}
			if perr := pause(ctx, 50*time.Millisecond); perr != nil {
				return fmt.Errorf("the server is not ready: %w; its log is %s", err, s.log.Name())
			}
		}
	}
	return nil
}

// processes are all that can be killed.
func (s *stack) processes() []*process { return append(slices.Clone(s.servers), s.daemons...) }

// heal continues all processes, and has the queue there again.
func (s *stack) heal() {
	for _, p := range s.processes() {
		p.signal(syscall.SIGCONT)
	}
	s.sqs.SetAway(false)
}

// close ends all processes.
func (s *stack) close() error {
	for _, p := range s.processes() {
		p.close()
	}
	return errors.Join(s.http.Close(), s.log.Close())
}

// cleaned does with the directory what sweeps do in the hours after.
func (s *stack) cleaned(ctx context.Context) error {
	st, err := store.Open(store.Config{Dir: s.dir})
	if err != nil {
		return err
	}
	defer st.Close()
	const stale = 10 * time.Minute
	later := time.Now().Add(6 * time.Hour)
	active, err := st.Active()
	for _, e := range active {
		if _, cerr := st.Checkup(e, later, stale); !errors.Is(cerr, job.ErrFinished) && !errors.Is(cerr, job.ErrGone) && !errors.Is(cerr, job.ErrNotFound) {
			err = errors.Join(err, cerr)
		}
	}
	_, rerr := st.Reconcile(ctx, "", later, later, stale)
	return errors.Join(err, st.EndErasures(ctx), st.CleanUp(ctx, later, stale), rerr)
}

//go:build linux

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
	"sync"
	"syscall"
	"time"

	"github.com/atelier-go/atelier/pkg/queue/queuefake"
	"github.com/atelier-go/atelier/pkg/queue/queueserver"
	"github.com/atelier-go/atelier/pkg/store"
)

// settings say where a stack's programs and model are, and what it consists of.
type settings struct {
	bin, root, model, library string
	ministack                 string // MiniStack's program
	folder                    string // of the trial: shared directory, logs and everything else
	seed                      uint64
	faults                    queuefake.Faults
	nfs                       nfsLab

	servers, daemons, functions int
	serverArgs, daemonArgs      []string
	functionEnv                 []string
	functionTimeout             time.Duration
	daemonEnvs                  [][]string                  // further variables of each daemon
	clocks                      []time.Duration             // of servers and daemons in turn: how far they are ahead of the machine's
	dir                         string                      // the shared directory; folder/shared by default
	view                        func(process string) string // the shared directory as a process sees it; dir by default

	key  string   // for the API; "" is none
	more []string // environment variables of all programs
	undo []func() error
}

// cleanup registers a function that is called after the stack has ended, the last one first.
func (c *settings) cleanup(f func() error) { c.undo = append(c.undo, f) }

func (c *settings) cleanUp() (err error) {
	for _, f := range slices.Backward(c.undo) {
		err = errors.Join(err, f())
	}
	return err
}

// A stack is API servers and workers with a queue over HTTP, a bucket and a shared directory.
type stack struct {
	*settings
	queue   *queuefake.Queue
	network *network // to the queue
	objects *objectStore
	copier  *copier
	log     *os.File

	servers []*process
	daemons []*process
	mapping *mapping // nil: no functions
	listen  []string // addresses of the servers

	mu       sync.Mutex
	failures []string // see fail
}

// fail records that something was wrong. It is safe for concurrent use.
func (s *stack) fail(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, what)
}

const queueName = "jobs"

// These times are short, so that much happens within a trial.
const (
	lease      = 2 * time.Second
	sweepEvery = time.Second
)

// newStack starts a stack, and returns when its servers are ready. The caller closes it.
func newStack(ctx context.Context, c *settings) (_ *stack, err error) {
	if c.dir == "" {
		c.dir = filepath.Join(c.folder, "shared")
	}
	if c.view == nil {
		c.view = func(string) string { return c.dir }
	}
	s := &stack{settings: c, queue: queuefake.New(queuefake.Config{MaxReceives: 10, Faults: c.faults, Seed: c.seed})}
	if err := os.MkdirAll(s.dir, 0o750); err != nil {
		return nil, err
	}
	if s.log, err = os.OpenFile(filepath.Join(c.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return nil, err
	}
	served := new(queueserver.Server)
	served.Add(queueName, s.queue)
	if s.network, err = newNetwork(served); err == nil {
		s.objects, err = newObjectStore(ctx, c, s.log, s.fail)
	}
	if err == nil {
		err = s.start()
	}
	if err == nil {
		err = s.ready(ctx)
	}
	if err == nil {
		s.copier, err = newCopier(s.dir, s.objects.Bucket, s.log)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stack) start() error {
	for i := range s.settings.servers {
		address, err := freeAddress()
		if err != nil {
			return err
		}
		s.listen = append(s.listen, address)
		args := append([]string{"--listen", address, "--sweep-every", sweepEvery.String(), "--rate", "0",
			"--max-unfinished", "0", "--max-daily", "0", "--max-stored", "0", "--max-pending-uploads", "0", "--min-free", "0"}, s.serverArgs...)
		s.servers = append(s.servers, s.process("api-server", i, nil, args))
	}
	for i := range s.settings.daemons {
		var env []string
		if i < len(s.daemonEnvs) {
			env = s.daemonEnvs[i]
		}
		args := append([]string{"--lease", lease.String(), "--grace", "5s", "--sweep-every", sweepEvery.String(),
			"--model", s.model, "--onnxruntime", s.library, "--concurrent", "2"}, s.daemonArgs...)
		s.daemons = append(s.daemons, s.process("worker-daemon-onnx", i, env, args))
	}
	if s.functions == 0 {
		return nil
	}
	var err error
	s.mapping, err = newMapping(s)
	return err
}

// process starts a program of the stack.
func (s *stack) process(program string, n int, env, args []string) *process {
	name := fmt.Sprintf("%s-%d", program, n)
	p := &process{name: name, log: s.log, fail: s.fail, command: func() *exec.Cmd {
		cmd := exec.Command(filepath.Join(s.bin, program), append([]string{"--dir", s.view(name), "--queue", queueName}, args...)...) //nolint:gosec // one of ours
		cmd.Env = append(s.env(), env...)
		return cmd
	}}
	if len(s.clocks) > 0 {
		p.clock = s.clocks[n%len(s.clocks)]
	}
	return p.start()
}

// env returns the environment of all programs: this program's without its settings for Atelier and AWS, and the
// stack's.
func (s *stack) env() []string {
	own := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "ATELIER_") || strings.HasPrefix(v, "AWS_") })
	own = append(own, "AWS_ENDPOINT_URL=http://"+s.network.address, "AWS_ENDPOINT_URL_S3=http://"+s.objects.network.address, "ATELIER_BUCKET="+bucketName, "AWS_REGION=us-east-1", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	return append(own, s.more...)
}

// freeAddress returns an address with a free port, on which a server can listen again after each restart.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// ready waits until every server serves.
func (s *stack) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, address := range s.listen {
		c := newClient([]string{address}, "")
		for {
			_, _, err := c.do(ctx, http.MethodGet, "/readyz", nil, nil)
			if err == nil {
				break
			}
			if pause(ctx, 50*time.Millisecond) != nil {
				return fmt.Errorf("the server is not ready: %w; its log ends with\n%s", err, tail(s.log.Name()))
			}
		}
	}
	return nil
}

// processes returns all servers and daemons.
func (s *stack) processes() []*process { return append(slices.Clone(s.servers), s.daemons...) }

// openStore opens the shared directory for this program. What it erases is removed from the gallery too.
func (s *stack) openStore() (*store.Store, error) {
	return store.Open(store.Config{Dir: s.dir, Unpublish: s.copier.gallery.Unpublish})
}

// heal continues all stopped processes, and connects the queue and the bucket again.
func (s *stack) heal() {
	for _, p := range s.processes() {
		p.signal(syscall.SIGCONT)
	}
	s.network.connect()
	s.objects.network.connect()
}

// end ends all processes, at the same time.
func (s *stack) end() {
	if s.mapping != nil {
		s.mapping.close()
	}
	done := make(chan struct{})
	all := s.processes()
	for _, p := range all {
		go func() { p.close(); done <- struct{}{} }()
	}
	for range all {
		<-done
	}
}

// close ends everything. It may be called twice.
func (s *stack) close() {
	s.end()
	if s.copier != nil {
		s.copier.close()
	}
	if s.objects != nil {
		s.objects.close()
	}
	if s.network != nil {
		s.network.close()
	}
	s.log.Close()
}

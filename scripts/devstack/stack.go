package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
)

const queueName = "atelier"

// A stack is the whole pipeline on this machine: MiniStack for AWS, a directory
// for EFS, and our own API and worker, each a process of its own.
type stack struct {
	dir   string // the shared directory and the logs are below it
	base  string // the API's address, http://127.0.0.1:8080
	parts []*part

	workerReady *notifySocket
}

// up starts the parts in the order in which they need each other. After an
// error nothing of it runs.
func up(ctx context.Context, s settings, dir string, tell func(string, ...any)) (_ *stack, err error) {
	programs := map[string]string{}
	for _, name := range []string{"api-server", "worker-daemon"} {
		if programs[name], err = sibling(name); err != nil {
			return nil, err
		}
	}
	awsPort, err := ministack.FreePort()
	if err != nil {
		return nil, err
	}
	endpoint := ministack.Endpoint(awsPort)
	shared, logs := filepath.Join(dir, "shared"), filepath.Join(dir, "logs")
	for _, d := range []string{shared, logs} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return nil, err
		}
	}
	st := &stack{dir: dir, base: "http://" + net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port))}
	if st.workerReady, err = listenNotify(); err != nil {
		return nil, err
	}
	program := func(name string, args ...string) func() *exec.Cmd {
		return func() *exec.Cmd {
			cmd := exec.Command(programs[name], args...)
			cmd.Env = append(ministack.Environ(endpoint), "NOTIFY_SOCKET="+st.workerReady.path(),
				// TensorFlow's chatter; and see DESIGN.md, "Memory".
				"TF_CPP_MIN_LOG_LEVEL=2", "MALLOC_ARENA_MAX=2")
			return cmd
		}
	}
	st.parts = []*part{
		{
			name:    "MiniStack",
			command: func() *exec.Cmd { return ministack.Command(s.MiniStack, awsPort) },
			ready:   func(ctx context.Context) error { return prepareQueue(ctx, endpoint) },
		},
		{
			name:    "api-server",
			command: program("api-server", "--dir", shared, "--queue", queueName, "--listen", st.base[len("http://"):]),
			ready:   func(ctx context.Context) error { return waitReady(ctx, st.base+"/readyz") },
		},
		{
			name:    "worker-daemon",
			command: program("worker-daemon", "--dir", shared, "--queue", queueName, "--model", s.Model),
			ready:   st.workerReady.wait,
		},
	}
	for _, p := range st.parts {
		p.tell, p.log = tell, filepath.Join(logs, p.name+".log")
		if err := p.start(ctx); err != nil {
			st.down()
			return nil, err
		}
	}
	return st, nil
}

// down ends the parts, the consumers before what they need.
func (st *stack) down() {
	for i := len(st.parts) - 1; i >= 0; i-- {
		st.parts[i].halt()
	}
	_ = st.workerReady.close() // a temporary folder
}

// prepareQueue makes the queue in a MiniStack that was started: it keeps
// nothing over a restart.
func prepareQueue(ctx context.Context, endpoint string) error {
	if err := ministack.WaitReady(ctx, endpoint); err != nil {
		return err
	}
	cfg, err := ministack.Config(ctx, endpoint)
	if err != nil {
		return err
	}
	_, err = queue.Create(ctx, cfg, queueName)
	return err
}

// waitReady waits until url answers 200.
func waitReady(ctx context.Context, url string) error {
	client := http.Client{Timeout: 5 * time.Second}
	again := time.NewTicker(30 * time.Millisecond)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil {
			_ = resp.Body.Close() // only the status counts
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %w", url, context.Cause(ctx))
		case <-again.C:
		}
	}
}

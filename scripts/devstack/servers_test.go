package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/apitest"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// testServers is a stack without a supervisor, which would pause between a daemon's death and its
// restart: the test starts the daemons whenever it has killed them.
type testServers struct {
	*demo
	queue  *queue.Queue
	env    []string
	logs   *os.File
	worker string // the program
	shared string // the path of the shared directory for API and daemons, unless stated otherwise
}

// servers starts MiniStack and the API's server, which run until the test ends.
func servers(t *testing.T, env ...string) *testServers {
	t.Helper()
	y := newServers(t, t.TempDir(), env...)
	y.demo = y.server(y.shared)
	return y
}

// newServers starts MiniStack and no server. The shared directory and the logs are in dir.
func newServers(t *testing.T, dir string, env ...string) *testServers {
	t.Helper()
	programs(t)
	locked, cfg := ministacktest.Start(t)
	q, err := queue.Create(t.Context(), cfg, "atelier")
	if err != nil {
		t.Fatal(err)
	}
	y := &testServers{
		demo: &demo{Client: apitest.Client{T: t}, dir: dir, output: &outputLog{}}, queue: q, worker: filepath.Join(bin, "worker-daemon"), shared: filepath.Join(dir, "shared"),
		env: slices.Concat(locked.Environ(), env, []string{"ATELIER_TEST_STACK=" + dir}), // identifies its processes
	}
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o750); err != nil {
		t.Fatal(err)
	}
	if y.logs, err = os.Create(filepath.Join(dir, "logs", "all.log")); err != nil {
		t.Fatal(err)
	}
	return y
}

// server starts an API server, which runs until the test ends.
func (y *testServers) server(shared string) *demo {
	y.Helper()
	port, err := ministack.FreePort()
	if err != nil {
		y.Fatal(err)
	}
	d := &demo{Client: apitest.Client{T: y.T, Base: ministack.Endpoint(port)}, dir: y.dir, output: &outputLog{}}
	d.cmd = y.command(filepath.Join(bin, "api-server"), shared, "--listen", "127.0.0.1:"+strconv.Itoa(port))
	if err := d.cmd.Start(); err != nil {
		y.Fatal(err)
	}
	y.Cleanup(d.cleanUp)
	waitFor(y.T, func() bool { return d.Reaches("/readyz") })
	return d
}

func (y *testServers) command(program, shared string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, append(args, "--dir", shared, "--queue", "atelier")...)
	cmd.Env = append(y.env, "TF_CPP_MIN_LOG_LEVEL=2")
	cmd.Stdout, cmd.Stderr = y.logs, y.logs
	return cmd
}

// A daemon is a worker-daemon started by the test.
type daemon struct {
	*exec.Cmd
	ended func() error // waits for its end
}

// daemon starts a daemon, which is killed at the end of the test if it still runs.
func (y *testServers) daemon() *daemon { y.Helper(); return y.daemonOn(y.shared) }

// daemonOn starts a daemon that sees the shared directory at another path.
func (y *testServers) daemonOn(shared string) *daemon {
	y.Helper()
	cmd := y.command(y.worker, shared, "--model", filepath.Join(os.Getenv("ATELIER_ROOT"), "model", "atelier"))
	if err := cmd.Start(); err != nil {
		y.Fatal(err)
	}
	w := &daemon{cmd, sync.OnceValue(cmd.Wait)}
	y.Cleanup(func() {
		_ = cmd.Process.Kill() // fails if it has ended, as it has in a successful test
		_ = w.ended()
	})
	return w
}

// stop ends a daemon in order.
func (y *testServers) stop(w *daemon) {
	y.Helper()
	if err := w.Process.Signal(syscall.SIGTERM); err != nil {
		y.Fatal(err)
	}
	if err := w.ended(); err != nil {
		y.Errorf("a stopped daemon: %v", err)
	}
}

// drained waits until the queue is empty.
func (y *testServers) drained() {
	y.Helper()
	waitFor(y.T, func() bool {
		depth, err := y.queue.Depth(y.Context())
		return err == nil && depth.Total() == 0
	})
}

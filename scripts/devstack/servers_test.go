package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// A yard is a stack without a supervisor, who would pause between a daemon's death
// and its return: the test starts the daemons, as often as it kills them.
type yard struct {
	*demo
	queue *queue.Queue
	env   []string
	logs  *os.File
}

// servers starts MiniStack and the API's server, which run until the test ends.
func servers(t *testing.T, env ...string) *yard {
	t.Helper()
	bin := programs(t)
	locked, cfg := ministacktest.Start(t)
	q, err := queue.Create(t.Context(), cfg, "atelier")
	if err != nil {
		t.Fatal(err)
	}
	port, err := ministack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{T: t, dir: t.TempDir(), said: &ear{}, base: ministack.Endpoint(port)}
	y := &yard{demo: d, queue: q, env: append(locked.Environ(), env...)}
	if err := os.Mkdir(filepath.Join(d.dir, "logs"), 0o750); err != nil {
		t.Fatal(err)
	}
	if y.logs, err = os.Create(filepath.Join(d.dir, "logs", "all.log")); err != nil {
		t.Fatal(err)
	}
	d.cmd = y.command(filepath.Join(bin, "api-server"), "--listen", "127.0.0.1:"+strconv.Itoa(port))
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.cleanUp)
	waitFor(t, func() bool { return d.reaches("/readyz") })
	return y
}

func (y *yard) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, append(args, "--dir", filepath.Join(y.dir, "shared"), "--queue", "atelier")...)
	cmd.Env = append(y.env, "TF_CPP_MIN_LOG_LEVEL=2")
	cmd.Stdout, cmd.Stderr = y.logs, y.logs
	return cmd
}

// A daemon is one that the test has started.
type daemon struct {
	*exec.Cmd
	ended func() error // waits for its end
}

// daemon starts one, which is killed at the end of the test if it is still there.
func (y *yard) daemon() *daemon {
	y.Helper()
	cmd := y.command(filepath.Join(bin, "worker-daemon"), "--model", filepath.Join(os.Getenv("ATELIER_ROOT"), "model", "atelier"))
	if err := cmd.Start(); err != nil {
		y.Fatal(err)
	}
	w := &daemon{cmd, sync.OnceValue(cmd.Wait)}
	y.Cleanup(func() {
		_ = cmd.Process.Kill() // it has ended, unless the test has failed
		_ = w.ended()
	})
	return w
}

// stop ends a daemon in order.
func (y *yard) stop(w *daemon) {
	y.Helper()
	if err := w.Process.Signal(syscall.SIGTERM); err != nil {
		y.Fatal(err)
	}
	if err := w.ended(); err != nil {
		y.Errorf("a daemon that was told to stop: %v", err)
	}
}

// drained waits until the queue is empty.
func (y *yard) drained() {
	y.Helper()
	waitFor(y.T, func() bool {
		depth, err := y.queue.Depth(y.Context())
		return err == nil && depth.Total() == 0
	})
}

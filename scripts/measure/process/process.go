// Package process runs the servers that are measured.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// A Process is a server that runs until Stop.
type Process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed: it has ended
}

// Begin starts a server and waits until ready returns true, for two minutes at most.
// Its output goes into name.log in dir. After an error it does not run. On Linux it gets
// SIGTERM when this program dies.
func Begin(ctx context.Context, dir, name string, cmd *exec.Cmd, ready func(context.Context, *Process) bool) (*Process, error) {
	p := &Process{name: name, cmd: cmd, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	started := make(chan error)
	go func() {
		// The thread stays, since the server ends with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // what it has printed tells more
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	if err := p.wait(ctx, ready); err != nil {
		p.Stop()
		return nil, fmt.Errorf("%s %w:\n%s", name, err, p.Output())
	}
	return p, nil
}

func (p *Process) wait(ctx context.Context, ready func(context.Context, *Process) bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("was not ready in two minutes"))
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !ready(ctx, p) {
		select {
		case <-again.C:
		case <-p.done:
			return errors.New("ended before it was ready")
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// Responds is true once a GET of the address returns 200.
func Responds(url string) func(context.Context, *Process) bool {
	client := http.Client{Timeout: 5 * time.Second}
	return func(ctx context.Context, _ *Process) bool {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return false
		}
		resp, err := client.Do(req)
		if err != nil {
			return false
		}
		return resp.Body.Close() == nil && resp.StatusCode == http.StatusOK
	}
}

// Prints is true once the process has printed these words.
func Prints(words string) func(context.Context, *Process) bool {
	return func(_ context.Context, p *Process) bool { return bytes.Contains(p.Output(), []byte(words)) }
}

// Output returns the last 2,000 bytes that the process has printed.
func (p *Process) Output() []byte {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return b[max(0, len(b)-2000):]
}

// PID is the process's.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop sends SIGTERM and waits until the process has ended. After a minute it kills the
// process group.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // likewise
		<-p.done
	}
}

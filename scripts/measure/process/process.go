// Package process runs the measured servers.
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
	done chan struct{} // closed when the process has ended
}

// Begin starts a server and waits until ready returns true, for at most two minutes. Its output is
// written to name.log in dir. After an error the server does not run. On Linux it gets SIGTERM when
// this program dies.
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
		// The thread must continue, because the server ends with it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // its output is more informative
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

// Responds returns a function that is true when a GET of the URL returns 200.
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

// Prints returns a function that is true when the process has printed these words.
func Prints(words string) func(context.Context, *Process) bool {
	return func(_ context.Context, p *Process) bool { return bytes.Contains(p.Output(), []byte(words)) }
}

// Output returns the last 2,000 bytes of the process's output.
func (p *Process) Output() []byte {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return b[max(0, len(b)-2000):]
}

// PID returns the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Stop sends SIGTERM and waits until the process has ended. After a minute it kills the process
// group.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // fails only if it has ended
		<-p.done
	}
}

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// A process is a server that a benchmark talks to.
type process struct {
	name string
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed: it has ended
}

// begin starts a server and waits until it is ready. It runs until stop. What it
// prints goes into a file in dir.
func begin(ctx context.Context, dir, name string, cmd *exec.Cmd, ready func(context.Context, *process) bool) (*process, error) {
	p := &process{name: name, cmd: cmd, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	// The terminal's Ctrl-C is for the benchmark, which ends its servers in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = cmd.Wait() // what it has printed tells more
		close(p.done)
	}()
	if err := p.wait(ctx, ready); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s %w:\n%s", name, err, p.said())
	}
	return p, nil
}

func (p *process) wait(ctx context.Context, ready func(context.Context, *process) bool) error {
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

// answers says whether an address answers 200.
func answers(url string) func(context.Context, *process) bool {
	client := http.Client{Timeout: 5 * time.Second}
	return func(ctx context.Context, _ *process) bool {
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

// says says whether the process has printed some words.
func says(words string) func(context.Context, *process) bool {
	return func(_ context.Context, p *process) bool { return bytes.Contains(p.said(), []byte(words)) }
}

// said is the end of what the process has printed.
func (p *process) said() []byte {
	b, err := os.ReadFile(p.log)
	if err != nil {
		return []byte(err.Error())
	}
	return b[max(0, len(b)-2000):]
}

// stop ends the process in good order, and waits for its end.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // likewise
		<-p.done
	}
}

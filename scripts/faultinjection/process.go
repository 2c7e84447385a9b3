package main

import (
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A process is one of the stack's programs. It is started again whenever it ends, until it is closed.
type process struct {
	name    string
	command func() *exec.Cmd
	log     *os.File

	mu      sync.Mutex
	cmd     *exec.Cmd // that runs; nil between two
	starts  int
	closing bool
	done    chan struct{} // closed: it has ended for good
}

func startProcess(name string, log *os.File, command func() *exec.Cmd) *process {
	p := &process{name: name, command: command, log: log, done: make(chan struct{})}
	go p.supervise()
	return p
}

// restartPause is how long a process that has ended is away.
const restartPause = 100 * time.Millisecond

func (p *process) supervise() {
	defer close(p.done)
	for {
		cmd := p.command()
		cmd.Stdout, cmd.Stderr = p.log, p.log
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // Ctrl-C is for the harness, which ends them in its order
		p.mu.Lock()
		if p.closing {
			p.mu.Unlock()
			return
		}
		err := cmd.Start()
		if err == nil {
			p.cmd = cmd
			p.starts++
		}
		p.mu.Unlock()
		if err == nil {
			err = cmd.Wait()
			p.mu.Lock()
			p.cmd = nil
			p.mu.Unlock()
		}
		fmt.Fprintf(p.log, "-- %s has ended: %v\n", p.name, err)
		time.Sleep(restartPause)
	}
}

// signal sends a signal to the process, if it runs, and returns whether it did.
func (p *process) signal(sig syscall.Signal) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil && p.cmd.Process.Signal(sig) == nil
}

// close ends the process for good: by SIGTERM, and by SIGKILL if that takes too long.
func (p *process) close() {
	p.mu.Lock()
	p.closing = true
	p.mu.Unlock()
	p.signal(syscall.SIGCONT)
	p.signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(45 * time.Second):
		p.signal(syscall.SIGKILL)
		<-p.done
	}
}

//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

// A process is one of the stack's programs. It is started again whenever it ends, until it is closed.
type process struct {
	name    string
	command func() *exec.Cmd
	clock   time.Duration // how far its clock is ahead of the machine's
	more    []string      // environment variables in addition to the command's
	log     *os.File

	fail func(string) // see stack.fail

	leftovers sync.WaitGroup

	mu      sync.Mutex
	cmd     *exec.Cmd // the one that runs; nil while none does
	started int
	closing bool
	done    chan struct{} // closed when it has ended for good
}

func (p *process) start() *process {
	p.done = make(chan struct{})
	go p.supervise()
	return p
}

// restartPause is the time between the end of a process and its next start.
const restartPause = 100 * time.Millisecond

func (p *process) supervise() {
	defer close(p.done)
	// The process is killed when the thread that started it ends (Pdeathsig), and only that thread may trace it.
	runtime.LockOSThread()
	for {
		cmd, ended := p.startOnce()
		if ended {
			return
		}
		if cmd != nil {
			err := cmd.Wait()
			p.leftovers.Go(func() { p.awaitGroup(cmd.Process.Pid) })
			p.mu.Lock()
			p.cmd = nil
			p.mu.Unlock()
			fmt.Fprintf(p.log, "-- %s has ended: %v\n", p.name, err)
		}
		time.Sleep(restartPause)
	}
}

// startOnce starts the process. cmd is nil if that failed. ended reports that the process is not to run again.
func (p *process) startOnce() (cmd *exec.Cmd, ended bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil, true
	}
	cmd = p.command()
	cmd.Env = append(cmd.Env, p.more...)
	cmd.Stdout, cmd.Stderr = p.log, p.log
	// In a process group of its own it does not get the terminal's Ctrl-C: this program ends all processes, in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	err := startAhead(cmd, p.clock)
	if err != nil {
		fmt.Fprintf(p.log, "-- %s could not be started: %v\n", p.name, err)
		return nil, false
	}
	p.cmd = cmd
	p.started++
	return cmd, false
}

// awaitGroup waits until the children of an ended process have ended too. If they still run after five seconds, it
// reports that by p.fail and kills them.
func (p *process) awaitGroup(group int) {
	const soon = 5 * time.Second
	for end := time.Now().Add(soon); ; time.Sleep(100 * time.Millisecond) {
		if syscall.Kill(-group, 0) != nil {
			return
		}
		i := slices.IndexFunc(processTable(), func(r running) bool { return r.group == group })
		if i < 0 {
			return
		}
		if time.Now().After(end) {
			p.fail(fmt.Sprintf("%s has ended, but a process that it started still runs", p.name))
			_ = syscall.Kill(-group, syscall.SIGKILL) // it may have ended just now
			return
		}
	}
}

// starts returns how often the process was started.
func (p *process) starts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started
}

// change ends the process, which then starts again with another clock, and with more as its additional variables.
func (p *process) change(clock time.Duration, more ...string) {
	p.mu.Lock()
	p.clock, p.more = clock, more
	p.mu.Unlock()
	p.signal(syscall.SIGTERM)
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
		fmt.Fprintf(p.log, "-- %s did not end within 45 s of SIGTERM\n", p.name)
		p.signal(syscall.SIGKILL)
		<-p.done
	}
	p.leftovers.Wait()
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// stopGrace is the maximum time for a part to end after SIGTERM, longer than the parts' own grace
// times.
const stopGrace = 45 * time.Second

// A part is one process of the stack, restarted when it dies.
type part struct {
	name    string
	command func() *exec.Cmd
	// ready waits until a started part works, and prepares it.
	ready func(context.Context) error
	// lost returns why a running part must be restarted, or nil. It is called every few seconds. If
	// the func is nil, it is not called.
	lost  func(context.Context) error
	log   string        // file for its output
	grace time.Duration // maximum time to end after SIGTERM; 0: stopGrace
	tell  func(format string, args ...any)

	stop chan struct{} // closed: end the process and don't restart it
	done chan struct{} // closed: the process has ended for good
}

// start runs the part until halt. It returns when the part is ready for the first time, or has
// failed before.
func (p *part) start(ctx context.Context) error {
	p.stop, p.done = make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		defer close(p.done)
		// The kernel ends the process when the thread that started it ends (see dieWithParent), so
		// this goroutine keeps its thread.
		runtime.LockOSThread()
		p.supervise(ctx, first)
	}()
	select {
	case err := <-first:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// supervise restarts the process whenever it dies, after a pause that grows while it dies soon
// after its start. A process that was never ready is not restarted: first receives its error, and
// otherwise nil when it is ready.
func (p *part) supervise(ctx context.Context, first chan<- error) {
	pause := time.Second / 2
	served := false
	for {
		began := time.Now()
		err := p.once(ctx, func() {
			if served {
				p.tell("%s is back", p.name)
				return
			}
			served = true
			first <- nil
		})
		select {
		case <-p.stop:
			return
		default:
		}
		if unready := (*unreadyError)(nil); !served && errors.As(err, &unready) {
			first <- unready.error
			return
		}
		if !served {
			first <- fmt.Errorf("%s ended before it was ready: %w\n%s", p.name, err, p.endOfLog())
			return
		}
		if time.Since(began) > time.Minute {
			pause = time.Second / 2
		}
		p.tell("%s died (%v): restarting in %s; its log is %s", p.name, err, pause, p.log)
		select {
		case <-p.stop:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, 15*time.Second)
	}
}

// readyTimeout is the maximum time from a part's start until it is ready. A part that takes longer
// is ended.
const readyTimeout = time.Minute

// once runs the process one time until its end. ready is called when the process works, and has
// returned before once does.
func (p *part) once(ctx context.Context, ready func()) error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }() // a log; the process has its own handle
	cmd := p.command()
	cmd.Stdout, cmd.Stderr = log, log
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	lifeCtx, over := context.WithCancel(ctx)
	readyCtx, cancel := context.WithTimeout(lifeCtx, readyTimeout)
	defer cancel()
	ended := make(chan struct{})
	readied := make(chan error, 1)
	var unready, lost error
	var watchers sync.WaitGroup
	watchers.Go(func() {
		err := p.ready(readyCtx)
		if err == nil {
			ready()
			lost = p.watch(lifeCtx)
			err = lost
		} else if readyCtx.Err() == nil { // otherwise the process has ended, which is the better reason
			unready = err
		}
		readied <- err
	})
	watchers.Go(func() { // ends the process on request, or if it does not become ready
		for stop := false; !stop; {
			select {
			case <-ended:
				return
			case <-p.stop:
				stop = true
			case err := <-readied:
				stop = err != nil
			}
		}
		signalGroup(cmd, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(cmp.Or(p.grace, stopGrace)):
			_ = cmd.Process.Kill() // fails only if it has ended
		}
	})
	err = cmd.Wait()
	over()
	close(ended)
	endGroup(cmd)
	watchers.Wait()
	switch {
	case unready != nil:
		return &unreadyError{unready}
	case lost != nil:
		return lost
	case err == nil:
		return errors.New("exit status 0")
	}
	return err
}

// watch calls lost until it returns a reason or ctx ends.
func (p *part) watch(ctx context.Context) error {
	if p.lost == nil {
		return nil
	}
	again := time.NewTicker(watchEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			if err := p.lost(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

const watchEvery = 3 * time.Second

// orphanGrace is how long children of a part may outlive it: a function that is painting gives its
// job back.
const orphanGrace = 2 * time.Second

// An unreadyError is the reason why a running part can't be used.
type unreadyError struct{ error }

func (e *unreadyError) Unwrap() error { return e.error }

// endGroup ends the children of a process that has ended: MiniStack starts functions and does not
// stop them.
func endGroup(cmd *exec.Cmd) {
	signalGroup(cmd, syscall.SIGTERM)
	for deadline := time.Now().Add(orphanGrace); time.Now().Before(deadline) && groupLives(cmd.Process.Pid); {
		time.Sleep(20 * time.Millisecond)
	}
	signalGroup(cmd, syscall.SIGKILL)
}

// signalGroup signals a part's process and all of its children: each part leads its own process
// group.
func signalGroup(cmd *exec.Cmd, signal syscall.Signal) {
	_ = syscall.Kill(-cmd.Process.Pid, signal) // ESRCH: all have ended
}

// halt ends the part and waits until it has ended.
func (p *part) halt() {
	if p.stop == nil {
		return // never started
	}
	close(p.stop)
	<-p.done
}

// endOfLog returns the end of the part's log, for an error message.
func (p *part) endOfLog() string {
	f, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // read only
	if info, err := f.Stat(); err == nil && info.Size() > 2000 {
		_, _ = f.Seek(-2000, io.SeekEnd)
	}
	b, _ := io.ReadAll(f) // as much as can be read
	return "  " + strings.ReplaceAll(strings.TrimSpace(string(b)), "\n", "\n  ")
}

// sibling returns the path of a program of the project in the same folder as this one.
func sibling(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path := filepath.Join(filepath.Dir(self), name)
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is not built: run scripts/setup", name)
	}
	return path, nil
}

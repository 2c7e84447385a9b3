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

// stopGrace is how long a part may take to end after SIGTERM: longer than the
// grace times of the parts themselves.
const stopGrace = 45 * time.Second

// A part is one process of the stack, restarted when it dies.
type part struct {
	name    string
	command func() *exec.Cmd
	// ready waits until a part that was started serves, and prepares it.
	ready func(context.Context) error
	// lost is why a part that runs must be started anew, else nil; it is asked every
	// few seconds. A nil func is never asked.
	lost  func(context.Context) error
	log   string        // file for what it prints
	grace time.Duration // for its end after SIGTERM; 0 is stopGrace
	tell  func(format string, args ...any)

	stop chan struct{} // closed: end the process and don't restart it
	done chan struct{} // closed: the process has ended for good
}

// start runs the part until it is halted. It returns when the part is ready for
// the first time, or can't be.
func (p *part) start(ctx context.Context) error {
	p.stop, p.done = make(chan struct{}), make(chan struct{})
	first := make(chan error, 1)
	go func() {
		defer close(p.done)
		// The kernel ends the process when the thread that started it ends
		// (see dieWithParent), so this goroutine keeps its thread.
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

// supervise starts the process again whenever it dies, with a pause that grows
// while it keeps dying young. A process that was never ready is not worth
// another try: first gets its end, and else nil once it is ready.
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
			first <- fmt.Errorf("%s ended before it was ready: %w\n%s", p.name, err, p.lastWords())
			return
		}
		if time.Since(began) > time.Minute {
			pause = time.Second / 2
		}
		p.tell("%s died (%v): started again in %s; its log is %s", p.name, err, pause, p.log)
		select {
		case <-p.stop:
			return
		case <-time.After(pause):
		}
		pause = min(2*pause, 15*time.Second)
	}
}

// readyTimeout is how long a part may take from its start to its readiness. A
// part that takes longer is ended.
const readyTimeout = time.Minute

// once runs the process one time, to its end. ready is called when it serves,
// and has returned before once does.
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
		} else if readyCtx.Err() == nil { // else the process has ended, which says more
			unready = err
		}
		readied <- err
	})
	watchers.Go(func() { // ends the process when it is told to, or is never ready
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
			_ = cmd.Process.Kill() // likewise
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

// watch asks whether the part has lost what it needs, until it has or ctx ends.
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

// orphanGrace is how long what a part has started may outlive it: a function
// that is painting gives its job back.
const orphanGrace = 2 * time.Second

// An unreadyError is why a part that runs can't be used, in words of its own.
type unreadyError struct{ error }

func (e *unreadyError) Unwrap() error { return e.error }

// endGroup ends what a process that has ended leaves behind: MiniStack starts
// functions and does not stop them.
func endGroup(cmd *exec.Cmd) {
	signalGroup(cmd, syscall.SIGTERM)
	for deadline := time.Now().Add(orphanGrace); time.Now().Before(deadline) && groupLives(cmd.Process.Pid); {
		time.Sleep(20 * time.Millisecond)
	}
	signalGroup(cmd, syscall.SIGKILL)
}

// signalGroup signals a part's process and all that it has started: each part
// leads a process group of its own.
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

// lastWords is the end of the part's log, for an error message.
func (p *part) lastWords() string {
	f, err := os.Open(p.log)
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // read only
	if info, err := f.Stat(); err == nil && info.Size() > 2000 {
		_, _ = f.Seek(-2000, io.SeekEnd)
	}
	b, _ := io.ReadAll(f) // as much as there is
	return "  " + strings.ReplaceAll(strings.TrimSpace(string(b)), "\n", "\n  ")
}

// sibling is a program of the project in the same folder as this one.
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

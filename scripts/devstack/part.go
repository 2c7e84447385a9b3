package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// stopGrace is how long a part may take to end after SIGTERM: longer than the
// grace times of the parts themselves.
const stopGrace = 40 * time.Second

// A part is one process of the stack, restarted when it dies.
type part struct {
	name    string
	command func() *exec.Cmd
	// ready waits until a part that was started serves, and prepares it.
	ready func(context.Context) error
	log   string // file for what it prints
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
// while it keeps dying young.
func (p *part) supervise(ctx context.Context, first chan<- error) {
	pause := time.Second / 2
	for n := 0; ; n++ {
		began := time.Now()
		err := p.once(ctx, n, first)
		select {
		case <-p.stop:
			return
		default:
		}
		if n == 0 && len(first) == 0 {
			select {
			case first <- fmt.Errorf("%s ended before it was ready: %w\n%s", p.name, err, p.lastWords()):
				return
			default: // it had been ready
			}
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

// once runs the process one time, to its end.
func (p *part) once(ctx context.Context, n int, first chan<- error) error {
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
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() { // ends the process when it is told to
		defer close(watched)
		select {
		case <-ended:
			return
		case <-p.stop:
		}
		_ = cmd.Process.Signal(syscall.SIGTERM) // may have ended by itself
		select {
		case <-ended:
		case <-time.After(stopGrace):
			_ = cmd.Process.Kill()
		}
	}()
	readied := make(chan struct{})
	readyCtx, cancel := context.WithTimeout(ctx, time.Minute)
	go func() {
		defer close(readied)
		err := p.ready(readyCtx)
		switch {
		case n == 0 && (err == nil || readyCtx.Err() == context.DeadlineExceeded):
			first <- err
		case n > 0 && err == nil:
			p.tell("%s is back", p.name)
		}
	}()
	err = cmd.Wait()
	cancel()
	close(ended)
	<-watched
	<-readied
	if err == nil {
		err = fmt.Errorf("exit status 0")
	}
	return err
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

package decoder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/atelier-go/atelier/pkg/decoder/internal/protocol"
	"github.com/atelier-go/atelier/pkg/job"
)

// A process is a decoder process. Only one goroutine may call exchange at a time.
type process struct {
	cmd           *exec.Cmd
	requests      *os.File // its standard input
	replies       *os.File // its standard output
	stderr        headWriter
	input, output *os.File      // memory files
	done          chan struct{} // closed when the process has ended
	grown         int64         // Reply.Grown of its last picture
}

// setCloseOnExec makes processes that this one starts inherit only the files that are passed to
// them. Go opens its own files that way, but files that this process has inherited may lack the
// flag. Kernels before 5.11 don't support the call; the error is ignored.
func setCloseOnExec() { _ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) }

// startProcess starts a decoder process. It adds 1 to all, and subtracts it again when the process
// has ended and its files are closed.
func startProcess(program string, all *sync.WaitGroup) (p *process, err error) {
	p = &process{done: make(chan struct{})}
	var open []*os.File
	defer func() {
		for _, f := range open {
			if err != nil {
				_ = f.Close() // nothing was written
			}
		}
	}()
	for _, f := range []**os.File{&p.input, &p.output} {
		if *f, err = memoryFile(); err != nil {
			return nil, err
		}
		open = append(open, *f)
	}
	stdin, requests, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	open = append(open, stdin, requests)
	replies, stdout, err := blockingPipe()
	if err != nil {
		return nil, err
	}
	open = append(open, replies, stdout)
	p.requests, p.replies = requests, replies
	p.cmd = exec.Command(program)
	// Not this process's environment, which contains credentials. With madvdontneed=0 the memory
	// that the decoder releases is only marked as free, and costs no page faults for the next
	// picture unless the system has reclaimed it.
	p.cmd.Env = []string{"GODEBUG=madvdontneed=0"}
	p.cmd.Dir = "/"
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdout, &p.stderr
	p.cmd.WaitDelay = time.Second                    // the process is over even if another one holds its standard error
	p.cmd.ExtraFiles = []*os.File{p.input, p.output} // protocol.InputFD, OutputFD
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	_, _ = stdin.Close(), stdout.Close() // the process has its own copies
	all.Go(func() {
		_ = p.cmd.Wait() // ProcessState tells how it ended
		close(p.done)
		for _, f := range []*os.File{replies, requests, p.input, p.output} {
			_ = f.Close() // nothing in there is needed any more
		}
	})
	return p, nil
}

// blockingPipe returns a pipe that doesn't use the runtime's poller.
func blockingPipe() (r, w *os.File, err error) {
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		return nil, nil, os.NewSyscallError("pipe2", err)
	}
	return os.NewFile(uintptr(fds[0]), "replies"), os.NewFile(uintptr(fds[1]), "replies"), nil
}

func memoryFile() (*os.File, error) {
	fd, err := unix.MemfdCreate("picture", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	return os.NewFile(uintptr(fd), "picture"), nil
}

// kill kills the process. It may be called repeatedly, and returns before the process has ended.
func (p *process) kill() { _ = p.cmd.Process.Kill() } // it may have ended already

// alive reports whether the process has not ended yet.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// exchange sends a request and returns the reply. After an error the process is killed, because it
// can't be used any more.
func (p *process) exchange(ctx context.Context, req protocol.Request, pictures [][]byte, cpu, wait time.Duration) (protocol.Reply, error) {
	reply, err := p.roundTrip(ctx, req, pictures, cpu, wait)
	if err != nil {
		p.kill()
	}
	return reply, err
}

func (p *process) roundTrip(ctx context.Context, req protocol.Request, pictures [][]byte, cpu, wait time.Duration) (reply protocol.Reply, err error) {
	if ctx.Err() != nil {
		return reply, context.Cause(ctx)
	}
	if err := p.send(req, pictures); err != nil {
		return reply, err
	}
	used := p.processorTime()
	var line []byte
	// Polls are counted instead of time, because time in which the process was frozen must not count.
	for left := int(wait / pollInterval); ; {
		var ready bool
		line, ready, err = p.readLine(line)
		switch {
		case ctx.Err() != nil:
			return reply, context.Cause(ctx)
		case errors.Is(err, io.EOF): // the process has closed its output
			p.kill()
			select {
			case <-p.done:
				return reply, p.exitError()
			case <-ctx.Done():
				return reply, context.Cause(ctx)
			}
		case err != nil:
			return reply, err
		case ready:
			if err := json.Unmarshal(line, &reply); err != nil {
				return reply, fmt.Errorf("read the decoder's reply: %w", err)
			}
			return reply, nil
		}
		if took := p.processorTime() - used; took > cpu {
			return reply, fmt.Errorf("%w (killed after %s of processor time; the limit is %s)", job.ErrUndecodable, took.Round(time.Millisecond), cpu)
		}
		if left--; left > 0 {
			continue
		}
		took := p.processorTime() - used
		if p.starved() {
			return reply, fmt.Errorf("the decoder was killed after %s, in which it got only %s of processor time", wait, took.Round(time.Millisecond))
		}
		return reply, fmt.Errorf("%w (killed after %s, of which it used %s of processor time)", job.ErrUndecodable, wait, took.Round(time.Millisecond))
	}
}

// pollInterval is the interval at which the limits are checked during a decode.
const pollInterval = 25 * time.Millisecond

// readLine waits for at most pollInterval and appends what the decoder has written to line. whole
// reports whether the line is complete.
//
// It blocks a thread in poll(2) instead of using the runtime's poller. The kernel then continues
// this thread on the processor that the decoder has just left; the runtime might continue on a
// processor on which another picture is being painted, which cost about 3% of the throughput at 400
// x 300 (scripts/bench decoder).
func (p *process) readLine(line []byte) (_ []byte, whole bool, err error) {
	if line == nil {
		line = make([]byte, 0, 1<<10)
	}
	raw, err := p.replies.SyscallConn()
	if err != nil {
		return line, false, err
	}
	var n int
	line = slices.Grow(line, 1)
	controlErr := raw.Control(func(fd uintptr) {
		events := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}} //nolint:gosec // a descriptor
		for {
			if n, err = unix.Poll(events, int(pollInterval.Milliseconds())); !errors.Is(err, unix.EINTR) {
				break
			}
		}
		if n <= 0 {
			return
		}
		if n, err = unix.Read(int(fd), line[len(line):cap(line)]); err == nil && n == 0 {
			err = io.EOF
		}
	})
	if controlErr != nil { // closed, because the process has ended
		return line, false, io.EOF
	}
	line = line[:len(line)+max(n, 0)]
	switch {
	case err != nil:
	case len(line) > 0 && line[len(line)-1] == '\n':
		whole = true
	case len(line) > protocol.MaxLine:
		err = errors.New("the decoder's reply is too long")
	}
	return line, whole, err
}

// send writes the pictures into the memory file, truncates it to their size, and writes the request
// into the pipe, whose buffer is large enough for it.
func (p *process) send(req protocol.Request, pictures [][]byte) error {
	err := p.sendPictures(pictures)
	if errors.Is(err, os.ErrClosed) {
		return &crashError{how: "it ended while it was idle"} // see startProcess
	}
	if err != nil {
		return fmt.Errorf("pass a picture to the decoder: %w", err)
	}
	line, err := json.Marshal(req)
	if err != nil {
		return err
	}
	if _, err := p.requests.Write(append(line, '\n')); err != nil {
		return &crashError{how: err.Error()} // it ended while it was idle
	}
	return nil
}

func (p *process) sendPictures(pictures [][]byte) error {
	at := int64(0)
	for _, b := range pictures {
		n, err := p.input.WriteAt(b, at)
		if err != nil {
			return err
		}
		at += int64(n)
	}
	return p.input.Truncate(at)
}

// processorTime returns the processor time of all threads of the process so far; 0 if it has ended.
func (p *process) processorTime() time.Duration {
	// The encoding of a process's clock in Linux, see clock_getcpuclockid(3).
	const cpuClockSched = 2
	clock := int32(^p.cmd.Process.Pid)<<3 | cpuClockSched //nolint:gosec // a pid has 22 bits
	var t unix.Timespec
	if unix.ClockGettime(clock, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// starved reports whether a thread of the process is runnable (R), waits for a disk (D) or is
// stopped (T, t). Then the system is the cause of a decode without progress: an endless loop on a
// free processor was ended before, by the limit of processor time (see exchange). A process whose
// threads all sleep hangs by itself.
func (p *process) starved() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	for _, thread := range threads {
		b, _ := os.ReadFile(thread) // a thread that has ended is not starved
		_, state, _ := bytes.Cut(b, []byte(") "))
		if len(state) > 0 && bytes.IndexByte([]byte("RDTt"), state[0]) >= 0 {
			return true
		}
	}
	return false
}

// A crashError means that a process ended by itself.
type crashError struct {
	how string
	// fatal means that it ended with a Go error that can't be recovered. If memory runs out, the
	// error can be any of them, because the runtime doesn't check all of its own allocations.
	fatal bool
}

func (e *crashError) Error() string { return "the decoder crashed: " + e.how }

// exitError returns an error that says how the process ended; the process must have ended.
func (p *process) exitError() error {
	said := p.stderr.bytes()
	first, _, _ := bytes.Cut(said, []byte("\n"))
	return &crashError{
		how:   fmt.Sprintf("%s: %.200q", p.cmd.ProcessState, first),
		fatal: p.cmd.ProcessState.Exited() && bytes.Contains(said, []byte("goroutine ")),
	}
}

// headWriter keeps the first bytes that are written to it, and discards the rest.
type headWriter struct {
	mu sync.Mutex
	b  []byte
}

func (t *headWriter) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 4 << 10
	t.b = append(t.b, b[:min(len(b), most-len(t.b))]...)
	return len(b), nil
}

func (t *headWriter) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.b)
}

package decoder

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
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
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

// A process is one that decodes. exchange is called by one goroutine at a time.
type process struct {
	cmd           *exec.Cmd
	requests      *os.File // its standard input
	replies       *os.File // its standard output
	stderr        head
	input, output *os.File      // memory files
	done          chan struct{} // closed when it has ended
	grown         int64         // Reply.Grown of its last picture
}

// keepFiles has no process that this one starts inherit a file of it but those that it
// is given. Go opens its own so; those that this process has itself inherited may not be.
// Kernels before 5.11 can't say it.
func keepFiles() { _ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC) }

// startProcess starts one. all counts it until it has ended and nothing of it is left.
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
	// Not this process's own, which has its credentials. What the decoder gives back is then
	// marked as free, and need not be fetched anew for the next picture where nobody wanted it.
	p.cmd.Env = []string{"GODEBUG=madvdontneed=0"}
	p.cmd.Dir = "/"
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdout, &p.stderr
	p.cmd.WaitDelay = time.Second                    // whatever still has its standard error, the process is over
	p.cmd.ExtraFiles = []*os.File{p.input, p.output} // protocol.InputFD, OutputFD
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	_, _ = stdin.Close(), stdout.Close() // the process has its own
	all.Go(func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
		for _, f := range []*os.File{replies, requests, p.input, p.output} {
			_ = f.Close() // what is in there nobody needs any more
		}
	})
	return p, nil
}

// blockingPipe is a pipe without the runtime's poller.
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

// end kills the process. It may be called again, and returns before the process is gone.
func (p *process) end() { _ = p.cmd.Process.Kill() } // it may have ended already

// alive says whether the process has not ended yet.
func (p *process) alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// exchange sends a request and returns the reply. After an error the process is good
// for nothing any more, and killed.
func (p *process) exchange(ctx context.Context, req protocol.Request, pictures [][]byte, cpu, wait time.Duration) (protocol.Reply, error) {
	reply, err := p.ask(ctx, req, pictures, cpu, wait)
	if err != nil {
		p.end()
	}
	return reply, err
}

func (p *process) ask(ctx context.Context, req protocol.Request, pictures [][]byte, cpu, wait time.Duration) (reply protocol.Reply, err error) {
	if ctx.Err() != nil {
		return reply, context.Cause(ctx)
	}
	if err := p.send(req, pictures); err != nil {
		return reply, err
	}
	used := p.processorTime()
	var line []byte
	// Steps are counted, since a process that was frozen was not at work meanwhile.
	for left := int(wait / step); ; {
		var ready bool
		line, ready, err = p.readLine(line)
		switch {
		case ctx.Err() != nil:
			return reply, context.Cause(ctx)
		case errors.Is(err, io.EOF): // the process has closed its output
			p.end()
			select {
			case <-p.done:
				return reply, p.died()
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
			return reply, fmt.Errorf("%w (killed after %s of processor time, of %s)", job.ErrUndecodable, took.Round(time.Millisecond), cpu)
		}
		if left--; left > 0 {
			continue
		}
		took := p.processorTime() - used
		if p.starved() {
			return reply, fmt.Errorf("the decoder was killed after %s, in which it had %s of a processor", wait, took.Round(time.Millisecond))
		}
		return reply, fmt.Errorf("%w (killed after %s, of which it used %s)", job.ErrUndecodable, wait, took.Round(time.Millisecond))
	}
}

// step is how often a decode that is under way is looked at.
const step = 25 * time.Millisecond

// readLine continues a line by what comes within a step, and returns whether it is whole. It
// blocks its thread, which the kernel then wakes on the processor that the decoder leaves. Waiting
// through the runtime's poller it could be woken on one where another picture is being painted,
// which cost some 3% of the throughput at 400 x 300 (scripts/bench decoder).
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
			if n, err = unix.Poll(events, int(step.Milliseconds())); !errors.Is(err, unix.EINTR) {
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
	if controlErr != nil { // closed, since the process has ended
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

// send writes the pictures into the memory file, which is left as long as they are, and
// the request into the pipe, which holds it.
func (p *process) send(req protocol.Request, pictures [][]byte) error {
	at := int64(0)
	for _, b := range pictures {
		n, err := p.input.WriteAt(b, at)
		if err != nil {
			return fmt.Errorf("pass a picture to the decoder: %w", err)
		}
		at += int64(n)
	}
	if err := p.input.Truncate(at); err != nil {
		return fmt.Errorf("pass a picture to the decoder: %w", err)
	}
	line, err := json.Marshal(req)
	if err != nil {
		return err
	}
	if _, err := p.requests.Write(append(line, '\n')); err != nil {
		return &crashed{how: err.Error()} // while it waited
	}
	return nil
}

// processorTime is what all threads of the process have had so far; 0 once it has ended.
func (p *process) processorTime() time.Duration {
	// Linux's number of a process's clock, see clock_getcpuclockid(3).
	const cpuClockSched = 2
	clock := int32(^p.cmd.Process.Pid)<<3 | cpuClockSched //nolint:gosec // a pid has 22 bits
	var t unix.Timespec
	if unix.ClockGettime(clock, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// starved says whether the process would go on if it was let: one of its threads waits for
// a processor, a disk, or a signal to continue. A decode that merely waits for nothing has
// none.
func (p *process) starved() bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	for _, thread := range threads {
		b, _ := os.ReadFile(thread) // a thread that has ended waits for nothing
		_, state, _ := bytes.Cut(b, []byte(") "))
		if len(state) > 0 && bytes.IndexByte([]byte("RDTt"), state[0]) >= 0 {
			return true
		}
	}
	return false
}

// A crashed process ended by itself.
type crashed struct {
	how string
	// fatal is one of Go's errors that nothing recovers from. Where memory ends it can be
	// any: the runtime doesn't check all of its own allocations.
	fatal bool
}

func (e *crashed) Error() string { return "the decoder ended by itself: " + e.how }

// died says how the process ended, which did so without a reply.
func (p *process) died() error {
	said := p.stderr.bytes()
	first, _, _ := bytes.Cut(said, []byte("\n"))
	return &crashed{
		how:   fmt.Sprintf("%s: %.200q", p.cmd.ProcessState, first),
		fatal: p.cmd.ProcessState.Exited() && bytes.Contains(said, []byte("goroutine ")),
	}
}

// pictures reads what a reply says is in the output. It is no more trusted than the
// pictures were.
func (p *process) pictures(req protocol.Request, reply protocol.Reply) (Pictures, error) {
	var made Pictures
	if reply.Photo != req.Photo.Fitted || reply.Style != req.Style.Fitted || reply.Preview < 0 || reply.Preview > maxPreview || (reply.Preview == 0) != (req.Preview == 0) {
		return made, fmt.Errorf("the decoder replied %+v, where photo %+v, style %+v were asked for", reply, req.Photo.Fitted, req.Style.Fitted)
	}
	at := int64(0)
	next := func(b []byte) error {
		n, err := p.output.ReadAt(b, at)
		at += int64(n)
		if errors.Is(err, os.ErrClosed) { // it has ended since
			return &crashed{how: err.Error()}
		}
		if err != nil {
			return fmt.Errorf("read what the decoder wrote: %w", err)
		}
		return nil
	}
	made.Photo = pixels(reply.Photo)
	err := next(made.Photo.Pix)
	if err == nil && req.Style.Bytes > 0 {
		made.Style = pixels(reply.Style)
		err = next(made.Style.Pix)
	}
	if err == nil && req.Preview > 0 {
		made.Preview = make([]byte, reply.Preview)
		err = next(made.Preview)
	}
	if err == nil && made.Preview != nil {
		info, ierr := imageio.Inspect(made.Preview, imageio.Limits{Bytes: maxPreview, Pixels: imageio.PreviewEdge * imageio.PreviewEdge, Edge: imageio.PreviewEdge})
		if ierr != nil || info.Format != "jpeg" {
			err = errors.New("what the decoder wrote as a preview is none")
		}
	}
	return made, err
}

// fileKept is how large a memory file may stay between two pictures: job.IdleDecoder is
// this twice, protocol.Held and what a Go program takes.
const fileKept = 5 << 20

// shrink gives back what large pictures took in the memory files, whose pages stay
// otherwise, to be written again.
func (p *process) shrink() error {
	for _, f := range []*os.File{p.input, p.output} {
		info, err := f.Stat()
		if err == nil && info.Size() > fileKept {
			err = f.Truncate(0)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func pixels(s protocol.Size) *image.RGBA {
	return image.NewRGBA(image.Rect(0, 0, s.Width, s.Height))
}

// head keeps the beginning of what is written to it, and drops the rest.
type head struct {
	mu sync.Mutex
	b  []byte
}

func (t *head) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 4 << 10
	t.b = append(t.b, b[:min(len(b), most-len(t.b))]...)
	return len(b), nil
}

func (t *head) bytes() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return bytes.Clone(t.b)
}

// Package decoder decodes untrusted pictures in separate processes of a small program
// (worker/cmd/picture-decoder). The operating system bounds their memory and processor time, and
// they can be killed at any moment. Whatever a decoder does with a file, it takes no more than a
// picture of that size may take.
//
// A process is reused for the next picture, so that a picture costs two messages over pipes and a
// copy of its pixels. It is replaced after it was killed, or if it has grown by more than the next
// picture may take. While it is idle it marks unused memory as free, so that the system can reclaim
// it; memory that is not reclaimed is reused for the next picture without page faults.
//
// The processes inherit nothing of this process's environment, and no open files except the pipes
// and the memory files that hold the pictures. They run as the same user as the worker: the limits
// bound what a decode takes, not what an attacker could do with code execution in the process. The
// decoders are written in Go, whose memory safety protects against that.
package decoder

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/atelier-go/atelier/pkg/decoder/internal/protocol"
	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/job"
)

// Config configures a Decoder.
type Config struct {
	Program string         // path of picture-decoder
	Idle    int            // number of idle processes, started by New; 0 is 1
	Limits  imageio.Limits // of pictures; zero is imageio.DefaultLimits
	Bounds  Bounds         // zero is DefaultBounds
	Log     *slog.Logger   // nil discards
}

// Bounds limit the time of decoding the pictures of a job. The memory limit follows from the
// pictures' headers (see imageio.DecodeMemory).
type Bounds struct {
	// CPU and CPUPerMegapixel limit the processor time of all threads together.
	CPU, CPUPerMegapixel time.Duration
	// Wait is the wall-clock time that a decode may take in addition to three times its processor
	// time limit, because other work may share the processors. Time in which this process was
	// frozen, as a function is between two invocations, is not counted. When the time is over, the
	// picture counts as undecodable, unless the decoder was only waiting for a processor: then the
	// error is a temporary one.
	Wait time.Duration
}

// DefaultBounds are about 30 times what photographs of cameras take, and four times what the
// costliest known picture takes: 5.3 s for a progressive JPEG of four colours with a profile, 40
// megapixels and 19.7 MB (one core of an AMD EPYC, busy).
func DefaultBounds() Bounds {
	return Bounds{CPU: 2 * time.Second, CPUPerMegapixel: 500 * time.Millisecond, Wait: 10 * time.Second}
}

func (b Bounds) processor(pixels int64) time.Duration {
	return b.CPU + b.CPUPerMegapixel*time.Duration(pixels)/1_000_000
}

// garbage is how much memory, in bytes, a process may take in addition to its pictures: what
// earlier pictures used and the garbage collector has not freed yet. A Go program itself takes 5
// MB.
const garbage = job.IdleDecoder - 8<<20

// maxGrown is how much, in bytes, a process may have grown and still be kept for the next picture.
// Photographs of 30 megapixels take 200 MB.
const maxGrown = 256 << 20

// maxPreview is the largest preview in bytes: a JPEG file of noise has 0.7 bytes a pixel at this
// quality.
const maxPreview = 2 << 20

// A Request holds the pictures of a job that are to be decoded.
type Request struct {
	Photo   []byte
	Longest int    // longest edge in pixels to which the photograph is fitted; positive
	Style   []byte // the user's own style picture; nil if there is none
	Preview bool   // whether to make the photograph's preview
	// Log has the attributes that identify the job, for messages about this request; nil is
	// Config.Log.
	Log *slog.Logger
}

// Pictures are the decoded pictures: upright, in sRGB, opaque, and shrunk to the requested sizes.
type Pictures struct {
	Photo, Style *image.RGBA
	Preview      []byte // a JPEG file of at most imageio.PreviewEdge pixels; nil if not requested
}

// ErrNotStarted means that no process could be started.
var ErrNotStarted = errors.New("no decoder could be started")

// A Decoder manages decoder processes. It is safe for concurrent use.
type Decoder struct {
	Config

	mu     sync.Mutex
	closed bool
	idle   []*process // the most recently used one is last
	all    sync.WaitGroup
}

// New validates the configuration and starts the processes. The caller must close the Decoder.
func New(cfg Config) (*Decoder, error) {
	if cfg.Idle == 0 {
		cfg.Idle = 1
	}
	if cfg.Limits == (imageio.Limits{}) {
		cfg.Limits = imageio.DefaultLimits()
	}
	if cfg.Bounds == (Bounds{}) {
		cfg.Bounds = DefaultBounds()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	setCloseOnExec()
	d := &Decoder{Config: cfg}
	for range cfg.Idle {
		p, err := d.start()
		if err != nil {
			d.Close()
			return nil, err
		}
		d.release(p)
	}
	if err := d.checkProgram(); err != nil {
		d.Close()
		return nil, fmt.Errorf("%w: %s doesn't work as a decoder: %w", ErrNotStarted, cfg.Program, err)
	}
	return d, nil
}

// checkProgram sends a request without a picture, to verify that the program is a decoder and can
// limit itself.
func (d *Decoder) checkProgram() error {
	p, err := d.acquire(garbage)
	if err != nil {
		return err
	}
	reply, err := p.exchange(context.Background(), protocol.Request{Memory: garbage}, nil, d.Bounds.CPU, d.Bounds.Wait)
	if err == nil && !errors.Is(reply.Error.Err(), job.ErrUnsupportedImage) {
		p.kill()
		err = fmt.Errorf("it replied %+v", reply)
	}
	if err == nil {
		d.release(p)
	}
	return err
}

// Close kills all processes and waits until they have ended. Current and later calls of Decode
// fail.
func (d *Decoder) Close() {
	d.mu.Lock()
	d.closed = true
	for _, p := range d.idle {
		p.kill()
	}
	d.idle = nil
	d.mu.Unlock()
	d.all.Wait()
}

// Decode decodes the pictures of a job. When ctx ends, the process is killed, and the error is
// ctx's cause.
//
// Errors: those of imageio.Decode; job.ErrUndecodable if the pictures exceed their memory or time
// limit, or crash one process after another. Any other error may not be the pictures' fault, and
// ErrNotStarted never is: another attempt may succeed.
func (d *Decoder) Decode(ctx context.Context, r Request) (Pictures, error) {
	req, pixels, err := d.request(r)
	if err != nil {
		return Pictures{}, err
	}
	log := cmp.Or(r.Log, d.Log)
	cpu := d.Bounds.processor(pixels)
	wait := d.Bounds.Wait + 3*cpu
	const most = 2 // processes that may crash, because one crash may have another cause
	grown := req.Memory
	for tries := 1; ; tries++ {
		p, err := d.acquire(grown)
		if err != nil {
			return Pictures{}, err
		}
		reply, err := p.exchange(ctx, req, [][]byte{r.Photo, r.Style}, cpu, wait)
		var pictures Pictures
		if err == nil && reply.Error == nil {
			pictures, err = p.readPictures(req, reply)
		}
		if err == nil && reply.Grown <= maxGrown && p.shrink() == nil {
			p.grown = reply.Grown
			d.release(p)
		} else {
			p.kill()
		}
		if crash, ok := errors.AsType[*crashError](err); ok {
			if tries < most {
				log.Warn("a decoder process crashed; the pictures are decoded once more, in a new process", "error", err)
				grown = 0
				continue
			}
			log.Warn("a decoder process crashed again; the job fails or is tried again", "error", err)
			if crash.fatal {
				err = fmt.Errorf("%w: %w", job.ErrUndecodable, err)
			}
		}
		if err == nil {
			err = reply.Error.Err()
		}
		if err != nil {
			return Pictures{}, fmt.Errorf("decode: %w", err)
		}
		return pictures, nil
	}
}

// request inspects the pictures and computes the limits for decoding them.
func (d *Decoder) request(r Request) (req protocol.Request, pixels int64, err error) {
	req.Limits = d.Limits
	photo, err := imageio.Inspect(r.Photo, d.Limits)
	if err != nil {
		return req, 0, err
	}
	req.Photo = protocol.Picture{Bytes: int64(len(r.Photo)), Longest: r.Longest, Fitted: fittedSize(photo, r.Longest)}
	req.Output = req.Photo.Fitted.Bytes()
	pixels = int64(photo.Width) * int64(photo.Height)
	if r.Preview {
		req.Preview = imageio.PreviewEdge
		req.Output += maxPreview
	}
	var style imageio.Info
	if r.Style != nil {
		if style, err = imageio.Inspect(r.Style, d.Limits); err != nil {
			return req, 0, fmt.Errorf("style picture: %w", err)
		}
		side := min(style.Width, style.Height, imageio.StyleEdge)
		req.Style = protocol.Picture{Bytes: int64(len(r.Style)), Longest: imageio.StyleEdge, Fitted: protocol.Size{Width: side, Height: side}}
		req.Output += req.Style.Fitted.Bytes()
		pixels += int64(style.Width) * int64(style.Height)
	}
	req.Memory = garbage + imageio.DecodeMemory(r.Photo) + imageio.DecodeMemory(r.Style) + imageio.FitMemory(photo, style, r.Longest, req.Output)
	return req, pixels, nil
}

// fittedSize returns the size of a picture after it was shrunk to a longest edge of at most
// longest.
func fittedSize(i imageio.Info, longest int) protocol.Size {
	w, h := imageio.Fitted(i.Width, i.Height, longest)
	return protocol.Size{Width: w, Height: h}
}

// acquire returns a process that has grown by at most the given number of bytes since its start:
// the idle one that was used last, or a new one. If no idle process is that small, it kills one of
// them, so that the number of processes stays the same.
func (d *Decoder) acquire(grown int64) (*process, error) {
	d.mu.Lock()
	d.idle = slices.DeleteFunc(d.idle, func(p *process) bool { return !p.alive() }) // killed from outside
	for i, p := range slices.Backward(d.idle) {
		if p.grown <= grown {
			d.idle = slices.Delete(d.idle, i, i+1)
			d.mu.Unlock()
			return p, nil
		}
	}
	if last := len(d.idle) - 1; last >= 0 {
		d.idle[last].kill()
		d.idle = d.idle[:last]
	}
	d.mu.Unlock()
	return d.start()
}

// release keeps a process for the next picture, or kills it if there are enough.
func (d *Decoder) release(p *process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.idle) >= d.Idle {
		p.kill()
		return
	}
	d.idle = append(d.idle, p)
}

func (d *Decoder) start() (*process, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, fmt.Errorf("%w: the decoder is closed", ErrNotStarted)
	}
	p, err := startProcess(d.Program, &d.all)
	if err != nil {
		// Not wrapped: it must not look like an error of the job's files.
		return nil, fmt.Errorf("%w: %s", ErrNotStarted, err.Error())
	}
	return p, nil
}

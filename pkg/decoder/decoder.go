// Package decoder decodes pictures that may be hostile: in processes of a small
// program of their own (worker/cmd/picture-decoder), whose memory and processor time
// the operating system bounds and which can be killed at any moment. Whatever a
// decoder does with a file, it takes no more than a picture of that size may.
//
// A process is kept for the next picture, so that one costs two messages over pipes and
// a copy of its pixels. It is replaced when it was killed, or has grown by more than the
// next picture may take. What it doesn't need meanwhile, it marks as free for the system to
// take back; where that doesn't, the next picture need not touch fresh memory.
//
// The processes have nothing of this one's environment and no other open files than the
// pipes and memory files in which pictures come and go. They run as the same user as the worker:
// what is bounded is what a decode takes, not what a program could do that has taken
// the process over; the decoders are written in Go, whose memory safety stands against
// that.
package decoder

import (
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

// Config says what a Decoder starts, and what a picture may take.
type Config struct {
	Program string         // the file of picture-decoder
	Keep    int            // processes that wait for the next pictures, from the start; 0 is 1
	Limits  imageio.Limits // of pictures; zero is imageio.DefaultLimits
	Bounds  Bounds         // zero is DefaultBounds
	Log     *slog.Logger   // nil discards
}

// Bounds are what decoding the pictures of a job may take beside memory, which
// follows from their headers (see imageio.DecodeMemory).
type Bounds struct {
	// CPU and CPUPerMegapixel are the processor time of all threads together.
	CPU, CPUPerMegapixel time.Duration
	// Wait is how long a decode may take by the clock beyond three times its processor
	// time, which it may have to share. Time in which this process was frozen, as a
	// function is between two invocations, doesn't count. Who waits for nothing when it is
	// over is at fault; one that was kept from a processor is not.
	Wait time.Duration
}

// DefaultBounds are some 30 times what the photographs of cameras take, and four times
// what the costliest picture that was found does: 5.3 s for a progressive JPEG of four
// colours with a profile, 40 megapixels and 19.7 MB (one core of an AMD EPYC, busy).
func DefaultBounds() Bounds {
	return Bounds{CPU: 2 * time.Second, CPUPerMegapixel: 500 * time.Millisecond, Wait: 10 * time.Second}
}

func (b Bounds) processor(pixels int64) time.Duration {
	return b.CPU + b.CPUPerMegapixel*time.Duration(pixels)/1_000_000
}

// garbage is how much memory a process may take beyond what its pictures may, in bytes:
// that which earlier pictures took and was not collected. A Go program takes 5 MB by itself.
const garbage = job.IdleDecoder - 8<<20

// mostGrown is how much a process may have grown, in bytes, and be kept for the next
// picture. Photographs of 30 megapixels take 200 MB.
const mostGrown = 256 << 20

// maxPreview is the largest preview in bytes: a JPEG file of noise has 0.7 bytes a
// pixel at this quality.
const maxPreview = 2 << 20

// A Request is what is to be decoded: the pictures of a job.
type Request struct {
	Photo   []byte
	Longest int    // edge in pixels to which the photograph is fitted; over 0
	Style   []byte // the user's own style picture; nil without
	Preview bool   // make the photograph's preview
}

// StyleEdge is the edge in pixels to which a style's picture is shrunk, of which only the
// central square is returned: more the engine doesn't look at, at 256 pixels.
const StyleEdge = 512

// Pictures are what was decoded: upright, in sRGB, opaque, fitted.
type Pictures struct {
	Photo, Style *image.RGBA
	Preview      []byte // a JPEG file of at most imageio.PreviewEdge pixels; nil if not asked for
}

// ErrNotStarted says that no process could be started.
var ErrNotStarted = errors.New("no decoder could be started")

// A Decoder has processes decode. It is safe for concurrent use.
type Decoder struct {
	Config

	mu     sync.Mutex
	closed bool
	idle   []*process // the one used last at the end
	all    sync.WaitGroup
}

// New checks the configuration and starts the processes. The caller closes the Decoder.
func New(cfg Config) (*Decoder, error) {
	if cfg.Keep == 0 {
		cfg.Keep = 1
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
	keepFiles()
	d := &Decoder{Config: cfg}
	for range cfg.Keep {
		p, err := d.start()
		if err != nil {
			d.Close()
			return nil, err
		}
		d.put(p)
	}
	if err := d.try(); err != nil {
		d.Close()
		return nil, fmt.Errorf("%w: %s doesn't do what it should: %w", ErrNotStarted, cfg.Program, err)
	}
	return d, nil
}

// try finds out by a request without a picture whether the program is a decoder, and can
// bound itself.
func (d *Decoder) try() error {
	p, err := d.take(garbage)
	if err != nil {
		return err
	}
	reply, err := p.exchange(context.Background(), protocol.Request{Memory: garbage}, nil, d.Bounds.CPU, d.Bounds.Wait)
	if err == nil && !errors.Is(reply.Error.Err(), job.ErrUnsupportedImage) {
		p.end()
		err = fmt.Errorf("it replied %+v", reply)
	}
	if err == nil {
		d.put(p)
	}
	return err
}

// Close ends all processes and waits for that. A Decode that is under way fails, and so
// does any later one.
func (d *Decoder) Close() {
	d.mu.Lock()
	d.closed = true
	for _, p := range d.idle {
		p.end()
	}
	d.idle = nil
	d.mu.Unlock()
	d.all.Wait()
}

// Decode decodes the pictures of a job. When ctx ends, the process that is at it is
// killed, and the error is ctx's cause.
//
// Errors: those of imageio.Decode; job.ErrUndecodable where the pictures take more than
// their share of memory or time, or crash one process after another. Any other says
// little about the pictures, and ErrNotStarted nothing: another attempt may go well.
func (d *Decoder) Decode(ctx context.Context, r Request) (Pictures, error) {
	req, pixels, err := d.request(r)
	if err != nil {
		return Pictures{}, err
	}
	cpu := d.Bounds.processor(pixels)
	wait := d.Bounds.Wait + 3*cpu
	const most = 2 // processes that may end over it, which may be another's fault
	grown := req.Memory
	for tries := 1; ; tries++ {
		p, err := d.take(grown)
		if err != nil {
			return Pictures{}, err
		}
		reply, err := p.exchange(ctx, req, [][]byte{r.Photo, r.Style}, cpu, wait)
		var pictures Pictures
		if err == nil && reply.Error == nil {
			pictures, err = p.pictures(req, reply)
		}
		if err == nil && reply.Grown <= mostGrown && p.shrink() == nil {
			p.grown = reply.Grown
			d.put(p)
		} else {
			p.end()
		}
		var crash *crashed
		if errors.As(err, &crash) {
			d.Log.Warn("a decoder crashed", "error", err, "tries", tries)
			if tries < most {
				grown = 0 // a fresh one
				continue
			}
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

// request checks the pictures by their structure and reckons what they may take.
func (d *Decoder) request(r Request) (req protocol.Request, pixels int64, err error) {
	req.Limits = d.Limits
	photo, err := imageio.Inspect(r.Photo, d.Limits)
	if err != nil {
		return req, 0, err
	}
	req.Photo = protocol.Picture{Bytes: int64(len(r.Photo)), Longest: r.Longest, Fitted: size(photo, r.Longest)}
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
		side := min(style.Width, style.Height, StyleEdge)
		req.Style = protocol.Picture{Bytes: int64(len(r.Style)), Longest: StyleEdge, Fitted: protocol.Size{Width: side, Height: side}}
		req.Output += req.Style.Fitted.Bytes()
		pixels += int64(style.Width) * int64(style.Height)
	}
	req.Memory = garbage + imageio.DecodeMemory(r.Photo) + imageio.DecodeMemory(r.Style) + imageio.FitMemory(photo, style, r.Longest, req.Output)
	return req, pixels, nil
}

// size is that of a picture once it is fitted.
func size(i imageio.Info, longest int) protocol.Size {
	w, h := imageio.Fitted(i.Width, i.Height, longest)
	return protocol.Size{Width: w, Height: h}
}

// take returns a process that has grown by so many bytes at most: of those that wait the one
// used last, or a new one, in the place of one that has grown by more.
func (d *Decoder) take(grown int64) (*process, error) {
	d.mu.Lock()
	d.idle = slices.DeleteFunc(d.idle, func(p *process) bool { return !p.alive() }) // somebody else killed it
	for i, p := range slices.Backward(d.idle) {
		if p.grown <= grown {
			d.idle = slices.Delete(d.idle, i, i+1)
			d.mu.Unlock()
			return p, nil
		}
	}
	if last := len(d.idle) - 1; last >= 0 {
		d.idle[last].end()
		d.idle = d.idle[:last]
	}
	d.mu.Unlock()
	return d.start()
}

// put keeps a process for the next picture.
func (d *Decoder) put(p *process) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed || len(d.idle) >= d.Keep {
		p.end()
		return
	}
	d.idle = append(d.idle, p)
}

func (d *Decoder) start() (*process, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, fmt.Errorf("%w: it is closed", ErrNotStarted)
	}
	p, err := startProcess(d.Program, &d.all)
	if err != nil {
		// Not wrapped: it must not look like an error of the job's files.
		return nil, fmt.Errorf("%w: %s", ErrNotStarted, err.Error())
	}
	return p, nil
}

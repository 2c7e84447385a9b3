// Package worker takes a job from its delivery to its stored result. The same
// Worker serves every kind of compute: [Worker.Poll] drives it from a long
// polling loop, as a daemon on EC2 does, and [Worker.HandleSQS] from the batches
// of an event source mapping, as a Lambda function does.
package worker

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// A Stylizer repaints pictures. Implementations are safe for concurrent use and
// answer an opaque picture of the content's size. ctx ends a wait; a run that has
// begun may go on to its end, and reads its request until then.
type Stylizer interface {
	Stylize(ctx context.Context, r style.Request) (*image.RGBA, error)
}

// A decodes is the decoder as a Worker needs it, across a process's boundary.
type decodes interface {
	Decode(ctx context.Context, r decoder.Request) (decoder.Pictures, error)
}

// DefaultWatchdog is fifty times what the largest picture takes on one core (16
// megapixels by Magenta's network: 6 s): what lasts longer does not end.
const DefaultWatchdog = 5 * time.Minute

// Config is what a Worker works with.
type Config struct {
	Store    *store.Store
	Stylizer Stylizer
	Decoder  decodes
	Name     string // names this process in claims, for people
	Kind     string // "daemon" or "lambda", for receipts
	Engine   string // for receipts
	Model    string // for receipts

	// Concurrent is how many pictures are in the engine at once; 0 is 1. As many
	// are decoded at once, each in a process of its own. Encoding a WebP takes 20 bytes a
	// pixel, beside whatever else goes on.
	Concurrent int
	// Memory is how many bytes the process may take in all, and Footprint what of it
	// goes where: no more pictures are in work at once than it holds, however many
	// may be. 0 is no limit.
	Memory    int64
	Footprint job.Footprint
	// Watchdog is how long one run of the engine may take before the process
	// counts as hung (see [ErrStuck]); 0 is DefaultWatchdog. Time in which the
	// process was frozen doesn't count. In a function it should be below the
	// function's timeout, else a hung engine is noticed only invocations later.
	Watchdog time.Duration

	// Charge fills in what a picture costs: BilledMS, MemoryMB and CostUSD of its
	// receipt. took is the time since its delivery came, without the storing of the
	// result that follows. It is called concurrently; nil leaves them unknown.
	Charge func(r *job.Receipt, took time.Duration)

	// Ended is called at the end of every attempt, concurrently; nil is not.
	Ended func(Attempt)

	Log *slog.Logger // nil discards
}

// A Worker handles deliveries. It is safe for concurrent use.
type Worker struct {
	Config
	warm   atomic.Bool   // a picture has been painted in this process
	gate   gate          // who is at work on pixels
	claims atomic.Int32  // how many jobs may be claimed at the same time: of which of several a process died nobody knows
	memory budget        // what the pictures in work take
	codecs chan struct{} // holds one for each picture that is being decoded
	engine chan struct{} // holds one for each picture in the engine

	stuck    context.Context         // ends when a job was in the engine for longer than Watchdog; for good
	setStuck context.CancelCauseFunc // ends stuck with an error that wraps ErrStuck
	probe    storeProbe
}

// New checks the configuration and fills in its defaults.
func New(cfg Config) (*Worker, error) {
	if cfg.Store == nil || cfg.Stylizer == nil || cfg.Decoder == nil {
		return nil, errors.New("new worker: a store, a stylizer and a decoder are needed")
	}
	if cfg.Concurrent < 0 || cfg.Watchdog < 0 {
		return nil, fmt.Errorf("new worker: %d pictures at once, a watchdog of %s: neither may be below 0", cfg.Concurrent, cfg.Watchdog)
	}
	if cfg.Concurrent == 0 {
		cfg.Concurrent = 1
	}
	if cfg.Watchdog == 0 {
		cfg.Watchdog = DefaultWatchdog
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	loaded := cfg.Footprint.Idle(cfg.Concurrent)
	room := cfg.Memory - loaded
	if cfg.Memory != 0 && room <= 0 {
		return nil, fmt.Errorf("new worker: a memory of %d MB: the process takes %d MB before it has painted anything", cfg.Memory>>20, loaded>>20)
	}
	if cfg.Memory == 0 {
		room = 0
	}
	w := &Worker{
		Config: cfg,
		memory: budget{room, semaphore.NewWeighted(room)},
		codecs: make(chan struct{}, cfg.Concurrent),
		engine: make(chan struct{}, cfg.Concurrent),
	}
	w.claims.Store(int32(cfg.Concurrent)) //nolint:gosec // some dozens
	w.stuck, w.setStuck = context.WithCancelCause(context.Background())
	return w, nil
}

// Package worker handles a job from the delivery of its message to its stored result. The same
// Worker runs on every kind of compute: [Worker.Poll] receives messages in a loop, as a daemon on
// EC2 does, and [Worker.HandleSQS] handles the batches of an event source mapping, as a Lambda
// function does. For each message both make one attempt, whose steps are in attempt.go.
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
	"golang.org/x/sync/singleflight"

	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/engines"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// A Stylizer repaints pictures. It must be safe for concurrent use, and return an opaque picture of
// the same size as the content. If ctx ends, a call that waits returns. A run of the network that
// has begun may go on to its end, and reads its request until then.
type Stylizer interface {
	Stylize(ctx context.Context, r style.Request) (*image.RGBA, error)
}

// A pictureDecoder decodes pictures in another process; see [decoder.Decoder].
type pictureDecoder interface {
	Decode(ctx context.Context, r decoder.Request) (decoder.Pictures, error)
}

// DefaultWatchdog is fifty times as long as the largest picture takes on one core (6 s for 16
// megapixels with Magenta's network). A run that takes longer will never end.
const DefaultWatchdog = 5 * time.Minute

// Config configures a Worker. Store, Stylizer and Decoder are required.
type Config struct {
	Store    *store.Store
	Stylizer Stylizer
	Decoder  pictureDecoder
	Name     string // the name of this process in claims
	Kind     string // "daemon" or "lambda", for receipts
	Engine   string // for receipts
	Model    string // for receipts

	// Concurrent is how many pictures are in the engine at the same time; 0 means 1. As many are
	// decoded at the same time, each in its own process. Encoding a picture as WebP takes 20 bytes
	// a pixel in addition to all other work.
	Concurrent int
	// Memory is how many bytes the process may take in total, and Footprint what the engine needs
	// of them. No more pictures are in work at the same time than fit into that memory, whatever
	// the other limits are. A Memory of 0 means no limit.
	Memory    int64
	Footprint engines.Footprint
	// Watchdog is how long one run of the engine may take before the process counts as stuck (see
	// [ErrStuck]); 0 means DefaultWatchdog. Time in which the process was frozen does not count. In
	// a function it should be shorter than the function's timeout; otherwise a stuck engine is only
	// detected in a later invocation.
	Watchdog time.Duration

	// SetCost sets what a picture costs in its receipt: BilledMS, MemoryMB and CostUSD. took is the
	// time since the message was delivered, without storing the result, which comes after the call.
	// It is called concurrently. If it is nil, the costs are unknown.
	SetCost func(r *job.Receipt, took time.Duration)

	// Report is called at the end of every attempt, concurrently; nil means no reports.
	Report func(Report)

	Log *slog.Logger // nil discards
}

// A Worker handles deliveries. It is safe for concurrent use.
type Worker struct {
	cfg       Config
	warm      atomic.Bool   // a picture has been painted in this process
	admission admission     // limits who works on pixels
	maxClaims atomic.Int32  // how many jobs may be claimed at the same time; above 1, a crash can't be attributed to one of them
	memory    memoryBudget  // of the pictures in work
	decoding  chan struct{} // has an element for each picture that is being decoded
	painting  chan struct{} // has an element for each picture in the engine
	stuck     *stuckSignal
	probe     singleflight.Group // of the store
}

// New returns a Worker. It checks cfg and sets the defaults.
func New(cfg Config) (*Worker, error) {
	if cfg.Store == nil || cfg.Stylizer == nil || cfg.Decoder == nil {
		return nil, errors.New("new worker: a store, a stylizer and a decoder are required")
	}
	if cfg.Concurrent < 0 || cfg.Watchdog < 0 {
		return nil, fmt.Errorf("new worker: %d concurrent pictures and a watchdog of %s: neither may be negative", cfg.Concurrent, cfg.Watchdog)
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
	forPictures := cfg.Memory - loaded
	if cfg.Memory != 0 && forPictures <= 0 {
		return nil, fmt.Errorf("new worker: a memory of %d MB is too little: the process takes %d MB before it paints the first picture", cfg.Memory>>20, loaded>>20)
	}
	if cfg.Memory == 0 {
		forPictures = 0
	}
	w := &Worker{
		cfg:      cfg,
		memory:   memoryBudget{forPictures, semaphore.NewWeighted(forPictures)},
		decoding: make(chan struct{}, cfg.Concurrent),
		painting: make(chan struct{}, cfg.Concurrent),
		stuck:    newStuckSignal(),
	}
	w.setMaxClaims(cfg.Concurrent)
	return w, nil
}

func (w *Worker) setMaxClaims(n int) {
	w.maxClaims.Store(int32(n)) //nolint:gosec // some dozens
}

// Handle makes an attempt at the run that m names. nil means that the run has ended, now or before,
// whatever its outcome, so that the message can be deleted. After an error the job is as before or
// was given back, and the message must be delivered again later. When ctx ends, Handle returns at
// once, although the engine can't be interrupted.
//
// If Handle is called twice for the same run, at the same time or one after the other, in this
// process or in another one, the work is done once.
func (w *Worker) Handle(ctx context.Context, m job.Message) error {
	return w.newAttempt(w.stuck.ch, m, 0).run(ctx)
}

// Package worker takes a job from its delivery to its stored result. The same
// Worker serves every kind of compute: [Worker.Poll] drives it from a long
// polling loop, as a daemon on EC2 does.
package worker

import (
	"context"
	"errors"
	"image"
	"log/slog"
	"sync/atomic"

	"github.com/atelier-go/atelier/pkg/imageio"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/pkg/style"
)

// A Stylizer repaints pictures. Implementations are safe for concurrent use,
// hold callers back where they can't run more at once, and answer an opaque
// picture of the content's size. ctx ends the wait; a run that has begun may go
// on to its end.
type Stylizer interface {
	Stylize(ctx context.Context, r style.Request) (*image.RGBA, error)
}

// DefaultMaxAttempts is how often a run is tried before it is given up.
const DefaultMaxAttempts = 3

// Config is what a Worker works with.
type Config struct {
	Store    *store.Store
	Stylizer Stylizer
	Name     string // names this process in claims, for people
	Kind     string // "daemon" or "lambda", for receipts
	Engine   string // for receipts
	Model    string // for receipts

	MaxAttempts int            // 0 is DefaultMaxAttempts
	Limits      imageio.Limits // zero is imageio.DefaultLimits
	Log         *slog.Logger   // nil discards
}

// A Worker handles deliveries. It is safe for concurrent use.
type Worker struct {
	Config
	warm atomic.Bool // a picture has been painted in this process
}

// New checks the configuration and fills in its defaults.
func New(cfg Config) (*Worker, error) {
	if cfg.Store == nil || cfg.Stylizer == nil {
		return nil, errors.New("new worker: a store and a stylizer are needed")
	}
	if cfg.MaxAttempts == 0 {
		cfg.MaxAttempts = DefaultMaxAttempts
	}
	if cfg.Limits == (imageio.Limits{}) {
		cfg.Limits = imageio.DefaultLimits()
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Worker{Config: cfg}, nil
}

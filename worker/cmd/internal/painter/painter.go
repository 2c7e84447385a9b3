// Package painter opens what the worker's mains share beyond package wiring: the engine, the decoders
// and the worker. A program links one engine: ONNX Runtime if it is built with the tag onnx, TensorFlow
// otherwise.
package painter

import (
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/KimMachineGun/automemlimit/memlimit"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/engines"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/wiring"
	"github.com/atelier-go/atelier/worker"
)

// Config configures a Painter. Zero values are the defaults, except for Model.
type Config struct {
	Engine
	Library  string // the file of the engine's library, for engines that load one
	Watchdog time.Duration
}

// Engine configures the engine and the decoders.
type Engine struct {
	Model       string // its folder
	ModelSHA256 string // the required one; "" accepts any
	Concurrent  int    // pictures painted at the same time; 0 chooses by the cores
	Threads     int    // for each picture; 0 chooses by the cores
	Memory      int    // MB that this process may take; 0 means its control group's, or nine tenths of the machine's
	Decoder     string // the file of picture-decoder; "" is the one beside this program
}

// A Process says what the process of a worker is called, and how it logs and reports.
type Process struct {
	Kind    string // daemon or lambda, for receipts
	Name    string // for claims
	Version string // of the program, for the log
	Log     *slog.Logger
	SetCost func(*job.Receipt, time.Duration) // see [worker.Config]; may be nil
	Report  func(worker.Report)               // the same
}

// A Painter is a worker with its engine and decoders. It must be closed.
type Painter struct {
	Worker *worker.Worker

	engine  *model.Model
	decoder *decoder.Decoder
}

// Open loads the model, which may take five minutes at most. It sends no request to AWS. After an
// error the process must end, because the loading may still be running.
func Open(parts *wiring.Parts, cfg Config, process Process) (_ *Painter, err error) {
	p, log := new(Painter), process.Log
	p.engine, err = loadWithin(maxLoading, cfg.Model, func() (*model.Model, error) {
		return load(model.Config{Dir: cfg.Model, SHA256: cfg.ModelSHA256, Threads: cfg.Threads, Concurrent: cfg.Concurrent, Log: log}, cfg.Library)
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	memory, err := cfg.memory()
	if err != nil {
		return nil, err
	}
	program, err := cfg.decoder()
	if err != nil {
		return nil, err
	}
	info := p.engine.Info()
	if p.decoder, err = decoder.New(decoder.Config{Program: program, Idle: info.Concurrent, Log: log}); err != nil {
		return nil, fmt.Errorf("%w: it is built and installed with the worker; set --decoder or ATELIER_DECODER if it is elsewhere", err)
	}
	p.Worker, err = worker.New(worker.Config{
		Store: parts.Store, Stylizer: p.engine, Decoder: p.decoder, Kind: process.Kind, Name: process.Name,
		Engine: info.Engine, Model: info.Name, Concurrent: info.Concurrent, Memory: memory, Footprint: engines.FootprintOf(engineName),
		Watchdog: cfg.Watchdog, SetCost: process.SetCost, Report: process.Report, Log: log,
	})
	if err != nil {
		return nil, err
	}
	log.Info("ready", "version", process.Version, "model", info.Name, "model_sha256", info.SHA256, "shipped", info.Shipped, "engine", info.Engine, "dir", parts.Store.Dir(), "queue", parts.Queue.URL())
	return p, nil
}

// Close ends the engine and the decoders. It waits for pictures that are being painted.
func (p *Painter) Close() error {
	if p.decoder != nil {
		p.decoder.Close()
	}
	return p.engine.Close()
}

// memory returns how many bytes of memory the process may take.
func (c *Config) memory() (int64, error) {
	if c.Memory != 0 {
		return int64(c.Memory) << 20, nil
	}
	const share = 0.9 // of a machine, whose kernel and other programs need some
	limit, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.ApplyRatio(memlimit.FromSystem, share))()
	if err != nil {
		return 0, fmt.Errorf("the available memory is unknown (%w): set --memory", err)
	}
	return int64(min(limit, math.MaxInt64)), nil
}

// decoder returns the path of the program picture-decoder.
func (c *Config) decoder() (string, error) {
	if c.Decoder != "" {
		return filepath.Abs(c.Decoder) // it runs in another folder
	}
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(own), "picture-decoder"), nil
}

// maxLoading limits how long loading the model may take. TensorFlow runs a part of the model then.
// If that never ends, only the end of the process stops it.
const maxLoading = worker.DefaultWatchdog

// loadWithin calls load and returns its result. If that takes longer than limit it returns an
// error, while load goes on. dir is named in the error.
func loadWithin(limit time.Duration, dir string, load func() (*model.Model, error)) (*model.Model, error) {
	type result struct {
		model *model.Model
		err   error
	}
	done := make(chan result, 1)
	go func() {
		m, err := load()
		done <- result{m, err}
	}()
	select {
	case r := <-done:
		return r.model, r.err
	case <-time.After(limit):
		return nil, fmt.Errorf("the model has not loaded within %v: the disk of %s is too slow for it, or the model's initialisation never ends; copy it to a local disk, or use another model", limit, dir)
	}
}

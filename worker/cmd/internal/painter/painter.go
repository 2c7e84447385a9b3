// Package painter wires the worker's parts together for its mains: the same
// settings, by the same names, whatever hands out the work. The build tag onnx puts
// ONNX Runtime in place of TensorFlow: a program links one of them.
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
	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/model"
	"github.com/atelier-go/atelier/pkg/decoder"
	"github.com/atelier-go/atelier/pkg/job"
	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/worker"
)

// Settings are the flags that every kind of worker has; kong reads them.
type Settings struct {
	Dir        string        `required:"" env:"ATELIER_DIR" help:"The shared directory, where jobs are kept." placeholder:"DIR"`
	Queue      string        `default:"atelier" env:"ATELIER_QUEUE" help:"Name or URL of the SQS queue."`
	Model      string        `required:"" env:"ATELIER_MODEL" help:"Folder of the model, the shipped one or another of its signature." placeholder:"DIR"`
	ModelSHA   string        `name:"model-sha256" env:"ATELIER_MODEL_SHA256" help:"SHA-256 that the model must have, as the worker logs it when it starts: another model is then refused. Default: any, but what calls itself the shipped model must be that." placeholder:"HEX"`
	Concurrent int           `default:"0" env:"ATELIER_CONCURRENT" help:"Pictures painted at once; 0 chooses by the cores."`
	Threads    int           `default:"0" env:"ATELIER_THREADS" help:"Threads for each picture; 0 chooses by the cores."`
	Memory     int           `default:"0" env:"ATELIER_MEMORY,AWS_LAMBDA_FUNCTION_MEMORY_SIZE" help:"Memory in MB that this process may take: no more pictures are painted at once than it holds, and what it can't hold alone fails. 0: what its control group allows, or nine tenths of the machine's. Reckoned by the shipped model: with Magenta's, say half." placeholder:"MB"`
	Decoder    string        `env:"ATELIER_DECODER" help:"The file of picture-decoder, the program in which pictures are decoded. Default: the one beside this program." placeholder:"FILE"`
	Lease      time.Duration `default:"30s" env:"ATELIER_LEASE" help:"Time after which a silent worker's job goes to another."`
	Watchdog   time.Duration `default:"${watchdog}" env:"ATELIER_WATCHDOG" help:"Time after which a picture that is still being painted counts as hung: the process then ends with an error, for its supervisor to start a fresh one."`

	engine `embed:""`
}

// Vars are for kong: what Settings' tags leave open. FunctionVars are those of a
// function, whose watchdog must end the process before the time of an invocation is up.
var (
	Vars         = kong.Vars{"watchdog": worker.DefaultWatchdog.String()}
	FunctionVars = kong.Vars{"watchdog": "30s"}
)

// Validate is called by kong once the flags are read.
func (s *Settings) Validate() error {
	if s.Lease < time.Second || s.Lease > 12*time.Hour {
		return errors.New("--lease must be from 1s to 12h, which is SQS's limit")
	}
	if s.Memory < 0 {
		return errors.New("--memory must be 0 or more")
	}
	if s.Watchdog < time.Second {
		return errors.New("--watchdog must be from 1s")
	}
	return nil
}

// memory is how many bytes the process may take.
func (s *Settings) memory() (int64, error) {
	if s.Memory != 0 {
		return int64(s.Memory) << 20, nil
	}
	const share = 0.9 // of a machine, whose kernel and other programs need some
	limit, err := memlimit.ApplyFallback(memlimit.FromCgroup, memlimit.ApplyRatio(memlimit.FromSystem, share))()
	if err != nil {
		return 0, fmt.Errorf("how much memory there is could not be found out (%w): say it with --memory", err)
	}
	return int64(min(limit, math.MaxInt64)), nil
}

// decoder is the file of picture-decoder.
func (s *Settings) decoder() (string, error) {
	if s.Decoder != "" {
		return filepath.Abs(s.Decoder) // it runs in another folder
	}
	own, err := os.Executable()
	if err != nil {
		return "", err
	}
	return filepath.Join(filepath.Dir(own), "picture-decoder"), nil
}

// A Process is what a main knows of itself.
type Process struct {
	Kind   string // of a worker, for receipts: daemon or lambda
	Name   string // in claims, for people
	Log    *slog.Logger
	Charge func(*job.Receipt, time.Duration) // see [worker.Config]; may be nil
	Ended  func(worker.Attempt)              // the same
}

// A Painter is a worker with what it works with. It is to be closed.
type Painter struct {
	Worker *worker.Worker
	Queue  *queue.Queue

	engine  *model.Model
	decoder *decoder.Decoder
}

// Close ends the engine and the decoders, once nothing is painted any more.
func (p *Painter) Close() error {
	if p.decoder != nil {
		p.decoder.Close()
	}
	return p.engine.Close()
}

// maxLoading is how long loading may take: TensorFlow runs a part of the model then, and
// what has no end can only be given up together with the process.
const maxLoading = worker.DefaultWatchdog

// within runs load, which it leaves to itself after the limit, with an error.
func within(limit time.Duration, dir string, load func() (*model.Model, error)) (*model.Model, error) {
	type loaded struct {
		model *model.Model
		err   error
	}
	done := make(chan loaded, 1)
	go func() {
		m, err := load()
		done <- loaded{m, err}
	}()
	select {
	case l := <-done:
		return l.model, l.err
	case <-time.After(limit):
		return nil, fmt.Errorf("the model has not loaded within %v: the disk of %s is too slow for it, or it is a model whose initialisation never ends; copy it to a local disk, or take another", limit, dir)
	}
}

// Open loads the model, for at most five minutes. It sends no request to AWS: what is
// wrong with the queue shows at its first use. The process must end after an error: loading
// may still be under way.
func (s *Settings) Open(aws aws.Config, jobs *store.Store, process Process) (_ *Painter, err error) {
	p, log := &Painter{}, process.Log
	p.engine, err = within(maxLoading, s.Model, func() (*model.Model, error) {
		return s.load(model.Config{Dir: s.Model, SHA256: s.ModelSHA, Threads: s.Threads, Concurrent: s.Concurrent, Log: log})
	})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.Close())
		}
	}()
	p.Queue = queue.New(aws, s.Queue)
	memory, err := s.memory()
	if err != nil {
		return nil, err
	}
	info := p.engine.Info()
	program, err := s.decoder()
	if err != nil {
		return nil, err
	}
	if p.decoder, err = decoder.New(decoder.Config{Program: program, Idle: info.Concurrent, Log: log}); err != nil {
		return nil, fmt.Errorf("%w: it is built and installed with the worker, and --decoder or ATELIER_DECODER says where else it is", err)
	}
	p.Worker, err = worker.New(worker.Config{
		Store: jobs, Stylizer: p.engine, Decoder: p.decoder, Kind: process.Kind, Name: process.Name, Memory: memory, Footprint: footprint,
		Engine: info.Engine, Model: info.Name, Concurrent: info.Concurrent, Watchdog: s.Watchdog, Log: log, Charge: process.Charge, Ended: process.Ended,
	})
	if err != nil {
		return nil, err
	}
	log.Info("ready", "model", info.Name, "model_sha256", info.SHA256, "shipped", info.Shipped, "engine", info.Engine, "dir", jobs.Dir(), "queue", s.Queue)
	return p, nil
}

// Package flags declares the flags and environment variables that the mains of the worker share.
// kong parses them. The packages below get plain configurations.
package flags

import (
	"errors"
	"time"

	"github.com/alecthomas/kong"

	"github.com/atelier-go/atelier/pkg/store"
	"github.com/atelier-go/atelier/worker"
	"github.com/atelier-go/atelier/worker/cmd/internal/painter"
)

// Worker has the flags that every kind of worker has.
type Worker struct {
	Dir        string        `required:"" env:"ATELIER_DIR" help:"The shared directory, where jobs are kept." placeholder:"DIR"`
	Queue      string        `default:"atelier" env:"ATELIER_QUEUE" help:"Name or URL of the SQS queue."`
	Model      string        `required:"" env:"ATELIER_MODEL" help:"Folder of the model, the shipped one or another of its signature." placeholder:"DIR"`
	ModelSHA   string        `name:"model-sha256" env:"ATELIER_MODEL_SHA256" help:"SHA-256 that the model must have, as the worker logs it when it starts: another model is then refused. Default: any, but a model that is named as the shipped one must be that." placeholder:"HEX"`
	Concurrent int           `default:"0" env:"ATELIER_CONCURRENT" help:"Pictures painted at the same time; 0 chooses by the cores."`
	Threads    int           `default:"0" env:"ATELIER_THREADS" help:"Threads for each picture; 0 chooses by the cores."`
	Memory     int           `default:"0" env:"ATELIER_MEMORY,AWS_LAMBDA_FUNCTION_MEMORY_SIZE" help:"Memory in MB that this process may take: no more pictures are painted at the same time than it holds, and a picture that it can't hold fails. 0: what its control group allows, or nine tenths of the machine's. It is calculated for the shipped model: with Magenta's, set half." placeholder:"MB"`
	Decoder    string        `env:"ATELIER_DECODER" help:"The file of picture-decoder, the program in which pictures are decoded. Default: the one beside this program." placeholder:"FILE"`
	Lease      time.Duration `default:"30s" env:"ATELIER_LEASE" help:"Time after which the job of a worker that does not renew its lease goes to another."`
	Watchdog   time.Duration `default:"${watchdog}" env:"ATELIER_WATCHDOG" help:"Time after which a picture that is still being painted counts as stuck: the process then ends with an error, so that its supervisor starts a new one."`

	engine `embed:""`
}

// Vars and FunctionVars are variables that the tags of Worker use, for the daemon and for
// functions. The watchdog of a function must end the process before an invocation times out.
var (
	Vars         = kong.Vars{"watchdog": worker.DefaultWatchdog.String()}
	FunctionVars = kong.Vars{"watchdog": "30s"}
)

// Validate is called by kong after parsing.
func (f *Worker) Validate() error {
	if f.Lease < time.Second || f.Lease > 12*time.Hour {
		return errors.New("--lease must be from 1s to 12h, which is SQS's limit")
	}
	if f.Memory < 0 {
		return errors.New("--memory must be 0 or more")
	}
	if f.Watchdog < time.Second {
		return errors.New("--watchdog must be at least 1s")
	}
	return nil
}

// StoreConfig returns the configuration of the store.
func (f *Worker) StoreConfig() store.Config { return store.Config{Dir: f.Dir, Lease: f.Lease} }

// PainterConfig returns the configuration of the painter.
func (f *Worker) PainterConfig() painter.Config {
	return painter.Config{
		Queue: f.Queue, Model: f.Model, ModelSHA256: f.ModelSHA, Library: f.library(), Concurrent: f.Concurrent, Threads: f.Threads,
		Memory: int64(f.Memory) << 20, Decoder: f.Decoder, Watchdog: f.Watchdog,
	}
}

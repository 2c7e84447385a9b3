package commandline

import (
	"errors"
	"time"
)

// Worker are the flags of every kind of worker. The variable ${watchdog} is the default of --watchdog.
type Worker struct {
	Location `embed:""`
	Engine   `embed:""`

	Lease    time.Duration `default:"30s" env:"ATELIER_LEASE" help:"Time after which the job of a worker that does not renew its lease goes to another."`
	Watchdog time.Duration `default:"${watchdog}" env:"ATELIER_WATCHDOG" help:"Time after which a picture that is still being painted counts as stuck: the process then ends with an error, so that its supervisor starts a new one."`

	library `embed:""`
}

// Engine are the flags of a worker's engine and decoders.
type Engine struct {
	Model       string `required:"" env:"ATELIER_MODEL" help:"Folder of the model, the shipped one or another of its signature." placeholder:"DIR"`
	ModelSHA256 string `name:"model-sha256" env:"ATELIER_MODEL_SHA256" help:"SHA-256 that the model must have, as the worker logs it when it starts: another model is then refused. Default: any, but a model that is named as the shipped one must be that." placeholder:"HEX"`
	Concurrent  int    `default:"0" env:"ATELIER_CONCURRENT" help:"Pictures painted at the same time; 0 chooses by the cores."`
	Threads     int    `default:"0" env:"ATELIER_THREADS" help:"Threads for each picture; 0 chooses by the cores."`
	Memory      int    `default:"0" env:"ATELIER_MEMORY,AWS_LAMBDA_FUNCTION_MEMORY_SIZE" help:"Memory in MB that this process may take: no more pictures are painted at the same time than it holds, and a picture that it can't hold fails. 0: what its control group allows, or nine tenths of the machine's. It is calculated for the shipped model: with Magenta's, set half." placeholder:"MB"`
	Decoder     string `env:"ATELIER_DECODER" help:"The file of picture-decoder, the program in which pictures are decoded. Default: the one beside this program." placeholder:"FILE"`
}

// Validate is called by kong after parsing.
func (w *Worker) Validate() error {
	if w.Lease < time.Second || w.Lease > 12*time.Hour {
		return errors.New("--lease must be from 1s to 12h, which is SQS's limit")
	}
	if w.Memory < 0 {
		return errors.New("--memory must be 0 or more")
	}
	if w.Watchdog < time.Second {
		return errors.New("--watchdog must be at least 1s")
	}
	return nil
}

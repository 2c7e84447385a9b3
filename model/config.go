package model

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
)

// A Config configures a model: which one to load, and how much of the machine it may use.
type Config struct {
	// Dir is the folder of the model. Its files must not change during loading, because the
	// engine's library reads them again after they were checked.
	Dir string
	// SHA256 is the [Info.SHA256] that the model must have; "" accepts any model.
	SHA256 string
	// Threads is how many threads the engine may use inside an operation. 0 means
	// the default; see [DefaultThreads].
	Threads int
	// Concurrent is how many images are repainted at the same time; other calls wait in
	// [Model.Stylize]. 0 means the default; see [DefaultConcurrent].
	Concurrent int
	// Log receives warnings. Nil discards them.
	Log *slog.Logger
}

// Validate returns all errors of c, joined into one, or nil.
func (c Config) Validate() error {
	var errs []error
	if c.Dir == "" {
		errs = append(errs, errors.New("the model's folder is not given"))
	}
	if sum, err := hex.DecodeString(c.SHA256); c.SHA256 != "" && (err != nil || len(sum) != sha256.Size) {
		errs = append(errs, fmt.Errorf("the model's SHA-256 must be 64 hexadecimal digits, not %q", c.SHA256))
	}
	if c.Threads < 0 || c.Threads > maxThreads {
		errs = append(errs, fmt.Errorf("threads must be 0 (the default) to %d, not %d", maxThreads, c.Threads))
	}
	if c.Concurrent < 0 || c.Concurrent > maxThreads {
		errs = append(errs, fmt.Errorf("concurrent images must be 0 (the default) to %d, not %d", maxThreads, c.Concurrent))
	}
	return errors.Join(errs...)
}

// maxThreads is far above any useful number, so that a mistyped number is detected.
const maxThreads = 1024

// cores returns how many cores the process may use: GOMAXPROCS follows the affinity mask and the
// CPU quota of the control group, which TensorFlow's own default ignores.
func cores() int { return runtime.GOMAXPROCS(0) }

// DefaultConcurrent returns how many images are painted at the same time if [Config] does not say
// it: one per core. On two cores, painting two images at the same time gives 1.6 to 1.9 times the
// throughput of painting one after the other, whereas two threads within one image make it 1.0 to
// 1.3 times as fast (scripts/bench threads).
func DefaultConcurrent() int { return cores() }

// DefaultThreads returns the number of threads for each image if [Config] does not say it: the
// number of cores divided by the number of concurrent images, rounded up. More threads would cost
// up to a quarter of the throughput under full load.
func DefaultThreads(concurrent int) int { return max(1, (cores()+concurrent-1)/concurrent) }

func (c Config) withDefaults() Config {
	if c.Concurrent == 0 {
		c.Concurrent = DefaultConcurrent()
	}
	if c.Threads == 0 {
		c.Threads = DefaultThreads(c.Concurrent)
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

package model

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
)

// A Config says which model to load and how much of the machine it may take.
type Config struct {
	// Dir is the folder of the model. Nothing may change in it while it is loaded: the
	// engine's library reads again what was checked.
	Dir string
	// SHA256 is what the model's [Info.SHA256] must be, "" for any.
	SHA256 string
	// Threads is how many threads the engine may use inside an operation. 0 means
	// the default; see [DefaultThreads].
	Threads int
	// Concurrent is how many images are repainted at once; others wait in
	// [Model.Stylize]. 0 means the default; see [DefaultConcurrent].
	Concurrent int
	// Log receives what is odd but no error. Nil: nothing is logged.
	Log *slog.Logger
}

// Validate says what is wrong with c, all of it in one error.
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

// maxThreads catches a slip of the keyboard, no more.
const maxThreads = 1024

// cores is how many the process may use: GOMAXPROCS follows the affinity mask
// and the CPU quota of the control group, which TensorFlow's own default ignores.
func cores() int { return runtime.GOMAXPROCS(0) }

// DefaultConcurrent is the number of concurrent images of a [Config] that gives
// none: one for each core. Two images side by side on two cores are 1.6 to 1.9
// times as many per second as one after the other; two threads inside one image
// are 1.0 to 1.3 times as fast (scripts/bench threads).
func DefaultConcurrent() int { return cores() }

// DefaultThreads is the number of threads of a [Config] that gives none: the
// cores that concurrent images leave to each. More would cost up to a quarter of
// the throughput when as many images as that are in work.
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

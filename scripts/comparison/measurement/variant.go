package measurement

import (
	"fmt"
	"strings"
)

// The systems of variants.
const (
	// Service is one worker alone: the worker function with one event after the other.
	Service = "service"
	// Daemon is the API server, MiniStack's queue and worker-daemon.
	Daemon = "daemon"
	// MiniStack is the API and the worker as functions in MiniStack's Lambda.
	MiniStack = "ministack"
	// Synchronous is a function that paints while the request waits, with one event at a time per
	// environment.
	Synchronous = "synchronous"
	// Concurrent is a function whose environments handle several events at once, as on Lambda
	// Managed Instances. AWS supports neither Go nor EFS there, so it is hypothetical.
	Concurrent = "concurrent"
	// Flask is the Python server of scripts/baseline.
	Flask = "flask"
)

// The engines of variants.
const (
	TensorFlow = "tensorflow"
	ONNX       = "onnx"
)

// EngineName returns the name of an engine as its makers write it.
func EngineName(engine string) string {
	switch engine {
	case ONNX:
		return "ONNX Runtime"
	case TensorFlow:
		return "TensorFlow"
	}
	return engine
}

// Magenta is the network of variants that don't use the shipped one: Magenta's arbitrary image
// stylisation, which is not part of this repository. It runs with TensorFlow.
const Magenta = "magenta"

// A Variant is a measured configuration, the same in each of its runs.
type Variant struct {
	System string `json:"system"`
	Engine string `json:"engine"`
	// Network is [Magenta], or "" for the shipped one.
	Network string `json:"network,omitempty"`
	Size    int    `json:"size"` // width and height of each photograph and picture in pixels
	Jobs    int    `json:"jobs"` // number of jobs in a run, without those for warm-up

	// Only for functions.
	MemoryMB     int `json:"memory_mb,omitempty"`    // also determines the share of the processors: 1 for 1,769 MB
	PeriodMS     int `json:"period_ms,omitempty"`    // period in which the share is applied; 0: the processors are not limited
	Threads      int `json:"threads,omitempty"`      // threads of the engine per picture; 0: the program's default
	Concurrency  int `json:"concurrency,omitempty"`  // events at once per environment
	Environments int `json:"environments,omitempty"` // maximum number of environments
	IdleS        int `json:"idle_s,omitempty"`       // seconds for which an idle environment is kept; 0: without limit

	Evicted bool `json:"evicted,omitempty"` // the files that a start reads were removed from the page cache before

	NFS       bool `json:"nfs,omitempty"`        // engine, model and jobs are on scripts/nfs, which is as slow as user-mode Linux
	LatencyMS int  `json:"latency_ms,omitempty"` // added by its network to each call
	ReadAhead bool `json:"read_ahead,omitempty"` // started by worker-bootstrap

	// Only for systems under load.
	Pattern string  `json:"pattern,omitempty"`
	Rate    float64 `json:"rate,omitempty"`  // jobs a second, on average
	Trace   string  `json:"trace,omitempty"` // for [Recorded]: the SHA256 of its [Trace]
}

// Name returns the variant's name, which is one word and the beginning of its files' names.
func (v Variant) Name() string {
	words := []string{v.System, v.Engine}
	if v.Network != "" {
		words = append(words, v.Network)
	}
	words = append(words, fmt.Sprintf("%dpx", v.Size))
	if v.MemoryMB > 0 {
		words = append(words, fmt.Sprintf("%dmb", v.MemoryMB))
	}
	if v.PeriodMS > 0 {
		words = append(words, fmt.Sprintf("%dms", v.PeriodMS))
	}
	if v.Threads > 0 {
		words = append(words, fmt.Sprintf("%dthreads", v.Threads))
	}
	if v.Concurrency > 1 {
		words = append(words, fmt.Sprintf("%dx%d", v.Environments, v.Concurrency))
	}
	if v.IdleS > 0 {
		words = append(words, fmt.Sprintf("idle%ds", v.IdleS))
	}
	if v.Evicted {
		words = append(words, "evicted")
	}
	if v.NFS {
		words = append(words, fmt.Sprintf("nfs%dms", v.LatencyMS))
	}
	if v.ReadAhead {
		words = append(words, "readahead")
	}
	if v.Pattern != "" {
		words = append(words, v.Pattern, strings.ReplaceAll(fmt.Sprintf("%g", v.Rate), ".", "_"))
	}
	return strings.Join(words, "-")
}

// Hypothetical returns whether AWS does not offer the measured system.
func (v Variant) Hypothetical() bool { return v.System == Concurrent }

// CPUs returns the function's share of the processors by its memory; 0 if they are not limited.
func (v Variant) CPUs() float64 {
	if v.PeriodMS == 0 {
		return 0
	}
	const memoryOfOne = 1769 // MB, AWS Lambda Developer Guide, "Configure Lambda function memory"
	return float64(v.MemoryMB) / memoryOfOne
}

package measurement

import (
	"fmt"
	"strings"
)

// The systems that a variant can name.
const (
	// Service is one worker alone: the worker function, one event after the other.
	Service = "service"
	// Daemon is the API server, MiniStack's queue and worker-daemon.
	Daemon = "daemon"
	// MiniStack is the API and the worker as functions in MiniStack's Lambda.
	MiniStack = "ministack"
	// Synchronous is a function that paints within the request, one event at a time in each
	// environment.
	Synchronous = "synchronous"
	// Concurrent is a function whose environments handle several events at once, as on Lambda
	// Managed Instances. AWS names neither Go nor EFS there: it is hypothetical.
	Concurrent = "concurrent"
	// Flask is the Python server of scripts/baseline.
	Flask = "flask"
)

// The engines that a variant can name.
const (
	TensorFlow = "tensorflow"
	ONNX       = "onnx"
)

// Magenta is the network that a variant can name besides the shipped one: Magenta's arbitrary
// image stylisation, which is not part of this repository. It runs with TensorFlow.
const Magenta = "magenta"

// A Variant is one thing that is measured, the same in each of its runs.
type Variant struct {
	System string `json:"system"`
	Engine string `json:"engine"`
	// Network is [Magenta]; "" is the shipped one.
	Network string `json:"network,omitempty"`
	Size    int    `json:"size"` // pixels, of both sides of each photograph and picture
	Jobs    int    `json:"jobs"` // in a run, those that only warm up left out

	// Of functions.
	MemoryMB     int `json:"memory_mb,omitempty"`    // which also is the share of the processors: 1 for 1,769 MB
	PeriodMS     int `json:"period_ms,omitempty"`    // in which that share is used up; 0: the processors are not limited
	Threads      int `json:"threads,omitempty"`      // of the engine for a picture; 0: the program's default
	Concurrency  int `json:"concurrency,omitempty"`  // events at once in an environment
	Environments int `json:"environments,omitempty"` // at most
	IdleS        int `json:"idle_s,omitempty"`       // seconds that an environment without an event is kept; 0: for ever

	Evicted bool `json:"evicted,omitempty"` // what a start reads was taken out of the page cache before

	NFS       bool `json:"nfs,omitempty"`        // engine, model and jobs lie on scripts/nfs, which is as slow as user-mode Linux is
	LatencyMS int  `json:"latency_ms,omitempty"` // that its network adds to a call
	ReadAhead bool `json:"read_ahead,omitempty"` // started by worker-bootstrap

	// Of systems under load.
	Pattern string  `json:"pattern,omitempty"`
	Rate    float64 `json:"rate,omitempty"`  // jobs a second, on average
	Trace   string  `json:"trace,omitempty"` // of [Recorded]: its [Trace]'s SHA256
}

// Name is the variant in one word, which files of its runs begin with.
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

// Hypothetical is whether AWS does not offer what was measured.
func (v Variant) Hypothetical() bool { return v.System == Concurrent }

// CPUs is the function's share of the processors by its memory; 0 where they are not limited.
func (v Variant) CPUs() float64 {
	if v.PeriodMS == 0 {
		return 0
	}
	const memoryOfOne = 1769 // MB, AWS Lambda Developer Guide, "Configure Lambda function memory"
	return float64(v.MemoryMB) / memoryOfOne
}

// Package flags declares the flags and environment variables that the mains of the API share. The
// structs mirror those of package api, which has no flags.
package flags

import "github.com/atelier-go/atelier/api"

// Workers are the flags of [api.Workers].
type Workers struct {
	MaxSize int    `default:"2048" env:"ATELIER_MAX_SIZE" help:"Longest edge that a result may have, in pixels: 16 to 4096."`
	Memory  int    `name:"worker-memory" default:"3007" env:"ATELIER_WORKER_MEMORY" help:"Memory of the smallest worker in MB, as Lambda counts them. A picture that it can't hold is refused. Reckoned by the shipped model: with Magenta's, say half."`
	Engine  string `name:"worker-engine" enum:"tensorflow,onnx" default:"tensorflow" env:"ATELIER_WORKER_ENGINE" help:"What runs the network in the workers, tensorflow or onnx: they need different memory. Of two kinds, the smallest counts."`
}

// Config returns the values of the flags.
func (w *Workers) Config() api.Workers { return api.Workers(*w) }

// Validate checks the values. Kong calls it, or the command that embeds the flags.
func (w *Workers) Validate() error {
	c := w.Config()
	return c.Validate()
}

// Shares are the flags of [api.Shares].
type Shares struct {
	Rate         float64 `default:"20" env:"ATELIER_RATE" help:"Changes a second that each owner may ask of this server process (submit, cancel, retry, erase, redrive), in a burst ten times as many; 0 is no limit."`
	Uploads      int     `default:"64" env:"ATELIER_UPLOADS" help:"Submissions that this server process receives at the same time; an owner at most a quarter of what the others leave."`
	UploadMemory int     `default:"192" env:"ATELIER_UPLOAD_MEMORY" help:"Memory for the submissions that this server process receives, in MiB; an owner at most half of what the others leave."`
	Waits        int     `default:"200" env:"ATELIER_WAITS" help:"Requests with ?wait that this server process keeps waiting at the same time, and answers at once beyond that; an owner at most a quarter of what the others leave."`
	Requests     int     `default:"1024" env:"ATELIER_REQUESTS" help:"Requests that this server process answers at the same time; an owner at most a quarter of what the others leave."`
}

// Config returns the values of the flags.
func (s *Shares) Config() api.Shares { return api.Shares(*s) }

// Validate checks the values. Kong calls it, or the command that embeds the flags.
func (s *Shares) Validate() error {
	c := s.Config()
	return c.Validate()
}

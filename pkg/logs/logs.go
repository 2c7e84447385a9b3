// Package logs makes the mains' loggers.
package logs

import (
	"io"
	"log/slog"
)

// Settings are the flags of servers; kong reads the tags. Functions always log JSON: see
// [JSON].
type Settings struct {
	Format string `name:"log-format" default:"text" enum:"text,json" env:"ATELIER_LOG_FORMAT" help:"Form of the log's lines: text or json."`
}

// New is a logger in the form that was chosen.
func (s Settings) New(w io.Writer) *slog.Logger {
	if s.Format == "json" {
		return JSON(w)
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// JSON is a logger whose lines are JSON objects, which CloudWatch Logs can query.
func JSON(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

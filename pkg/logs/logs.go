// Package logs creates the loggers of the programs.
package logs

import (
	"io"
	"log/slog"
	"os"
)

// New returns the logger of a server, in the format text or json. Functions always log JSON, see [JSON].
func New(format string, w io.Writer) *slog.Logger {
	if format == "json" {
		return JSON(w)
	}
	return slog.New(slog.NewTextHandler(w, nil))
}

// JSON returns a logger whose lines are JSON objects, which CloudWatch Logs can query.
func JSON(w io.Writer) *slog.Logger { return slog.New(slog.NewJSONHandler(w, nil)) }

// WithFile returns a writer that writes to w and appends to the file at path, and a function that
// closes the file. If path is empty, it writes to w only.
func WithFile(w io.Writer, path string) (_ io.Writer, closeFile func(), err error) {
	if path == "" {
		return w, func() {}, nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, nil, err
	}
	return io.MultiWriter(w, f), func() { _ = f.Close() }, nil // an error of a log's file is ignored
}

package api

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// The text of a crashed decoder, and file paths, are only logged.
func TestCausesAreNotShown(t *testing.T) {
	s := &Server{Config: Config{Log: slog.New(slog.DiscardHandler)}}
	const secret = "index out of range [7] with length 7: open /srv/atelier/jobs"
	for _, m := range mapping {
		if m.status < 500 && m.err != job.ErrDamagedImage && m.err != job.ErrUnsupportedImage {
			continue // the store's and the request's own words
		}
		err := s.problem(t.Context(), "test", fmt.Errorf("step: %w: %w", m.err, errors.New(secret)))
		if text := err.Error(); strings.Contains(text, secret) || !strings.HasPrefix(text, m.err.Error()) {
			t.Errorf("%v: the text is %q", m.err, text)
		}
	}
	if text := s.problem(t.Context(), "test", errors.New(secret)).Error(); strings.Contains(text, secret) {
		t.Errorf("an unknown error: the text is %q", text)
	}
}

package painter

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestAskedForModel: a worker that is told a model's SHA-256 takes no other.
func TestAskedForModel(t *testing.T) {
	other := strings.Repeat("0", 64)
	open := func(args ...string) error {
		t.Helper()
		var s Settings
		parser, err := kong.New(&s, Vars)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append(args, "--dir", t.TempDir(), "--model", "../../../../model/testdata/full")); err != nil {
			t.Fatal(err)
		}
		_, err = s.Open(t.Context(), "daemon", "test", slog.New(slog.DiscardHandler))
		return err
	}
	want := "and " + other + " was asked for"
	if err := open("--model-sha256", other); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error with %q", err, want)
	}
	t.Setenv("ATELIER_MODEL_SHA256", other)
	if err := open(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v by the environment, want an error with %q", err, want)
	}
}

package flags

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/worker/cmd/internal/painter"
)

// TestOtherModelIsRefused sets the required model by flag and by environment: another model is refused.
func TestOtherModelIsRefused(t *testing.T) {
	other := strings.Repeat("0", 64)
	open := func(args ...string) error {
		t.Helper()
		var f Worker
		parser, err := kong.New(&f, Vars)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(append(args, "--dir", t.TempDir(), "--model", "../../../../model/testdata/full")); err != nil {
			t.Fatal(err)
		}
		_, err = painter.Open(aws.Config{}, nil, f.PainterConfig(), painter.Process{Kind: "daemon", Name: "test", Log: slog.New(slog.DiscardHandler)})
		return err
	}
	want := "not the required " + other
	if err := open("--model-sha256", other); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want an error with %q", err, want)
	}
	t.Setenv("ATELIER_MODEL_SHA256", other)
	if err := open(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v by the environment, want an error with %q", err, want)
	}
}

package painter

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alecthomas/kong"
	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/model"
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
		_, err = s.Open(aws.Config{}, nil, Process{Kind: "daemon", Name: "test", Log: slog.New(slog.DiscardHandler)})
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

// TestLoadingIsBounded: a model that loads without end is given up, and one that loads
// late is taken.
func TestLoadingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want := new(model.Model)
		got, err := within(maxLoading, "dir", func() (*model.Model, error) {
			time.Sleep(maxLoading - 1) // of the bubble's clock
			return want, nil
		})
		if err != nil || got != want {
			t.Errorf("got %v, %v of a model that loads late", got, err)
		}
		end := make(chan struct{})
		defer close(end)
		_, err = within(maxLoading, "dir", func() (*model.Model, error) { <-end; return nil, nil })
		if want := "the model has not loaded within 5m0s: "; err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v, want an error that begins with %q", err, want)
		}
	})
}

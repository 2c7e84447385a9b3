package main

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/api/cmd/internal/keys"
	"github.com/atelier-go/atelier/pkg/commandline"
)

func TestRefusesToStartWithoutKeys(t *testing.T) {
	for name, c := range map[string]struct {
		args     []string
		endpoint string
		want     string
	}{
		"on AWS":                      {nil, "", "without API keys"},
		"with only an endpoint":       {nil, "http://127.0.0.1:4566", "ATELIER_LOCAL=1"},
		"claiming to be local":        {[]string{"--local"}, "", "not a loopback address"},
		"local with a far endpoint":   {[]string{"--local"}, "https://sqs.us-east-1.amazonaws.com", "not a loopback address"},
		"local with a name like ours": {[]string{"--local"}, "http://localhost.example:4566", "not a loopback address"},
		"on a local stack, by hand":   {[]string{"--local"}, "http://127.0.0.1:4566", "AWS_LAMBDA_RUNTIME_API"},
		"by the name of localhost":    {[]string{"--local"}, "http://localhost:4566", "AWS_LAMBDA_RUNTIME_API"},
		"by IPv6":                     {[]string{"--local"}, "http://[::1]:4566", "AWS_LAMBDA_RUNTIME_API"},
		"on AWS with keys, by hand":   {[]string{"--keys", "keys"}, "", "AWS_LAMBDA_RUNTIME_API"},
	} {
		t.Run(name, func(t *testing.T) {
			getenv := func(k string) string {
				if k == "AWS_ENDPOINT_URL" {
					return c.endpoint
				}
				return ""
			}
			err := run(t.Context(), append(c.args, "--dir", t.TempDir()), getenv, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q", err, c.want)
			}
		})
	}
}

func TestRefusesToStartWithBadKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("# mine\nanna everything x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := newHandler(t.Context(), settings{API: commandline.API{Location: commandline.Location{Dir: t.TempDir()}}, Keys: keys.Setting(file)}, os.Getenv, slog.New(slog.DiscardHandler))
	if err == nil || !strings.Contains(err.Error(), "line 2: unknown scope") {
		t.Errorf("got %v", err)
	}
}

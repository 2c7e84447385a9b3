package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestVerifyFileSystem(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "tmp"), 0o750); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := verify(t.Context(), dir, slog.New(slog.NewTextHandler(&log, nil))); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(log.String(), "ok=true"); got != 5 {
		t.Errorf("%d checks:\n%s", got, log.String())
	}
	if left, err := os.ReadDir(filepath.Join(dir, "tmp")); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := verify(stopped, dir, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error although the context has ended")
	}
	if err := verify(t.Context(), filepath.Join(dir, "none"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error for a missing directory")
	}
}

func TestFailedCheckIsLoggedAsError(t *testing.T) {
	var log bytes.Buffer
	logCheck(slog.New(slog.NewTextHandler(&log, nil)), "file system check", "a touch", 3*time.Millisecond, errors.New("it is late"))
	if want := `level=ERROR msg="file system check" check="a touch" ok=false ms=3 error="it is late"`; !strings.Contains(log.String(), want) {
		t.Errorf("got %s, want %s", &log, want)
	}
}

package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/pkg/queue"
	"github.com/atelier-go/atelier/scripts/devstack/ministack/ministacktest"
)

// The program with keys, on all addresses, with a real queue.
func TestServerWithKeys(t *testing.T) {
	locked, aws := ministacktest.Start(t)
	if _, err := queue.Create(t.Context(), aws, "atelier"); err != nil {
		t.Fatal(err)
	}
	for _, setting := range locked.Environ() {
		if name, value, _ := strings.Cut(setting, "="); strings.HasPrefix(name, "AWS_") {
			t.Setenv(name, value)
		}
	}
	keys := filepath.Join(t.TempDir(), "keys")
	keygen := func(owner, scopes string) (key string) {
		t.Helper()
		file, err := os.OpenFile(keys, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		var shown bytes.Buffer
		if err := run(t.Context(), []string{"keygen", "--owner", owner, "--scopes", scopes}, os.Getenv, file, &shown); err != nil {
			t.Fatal(err)
		}
		_, key, _ = strings.Cut(strings.TrimSpace(shown.String()), "once: ")
		return key
	}
	anna := keygen("anna", "submit,read")

	ctx, stop := context.WithCancel(t.Context())
	said, log := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := run(ctx, []string{"--dir", t.TempDir(), "--keys", keys, "--listen", "0.0.0.0:0"}, os.Getenv, io.Discard, log)
		log.Close()
		ended <- err
	}()
	var port string
	lines, told := bufio.NewScanner(said), &bytes.Buffer{}
	for port == "" && lines.Scan() {
		told.WriteString(lines.Text() + "\n")
		if _, address, ok := strings.Cut(lines.Text(), "msg=ready address=http://"); ok {
			address, _, _ = strings.Cut(address, " ")
			port = address[strings.LastIndex(address, ":"):]
		}
	}
	if port == "" {
		t.Fatalf("it ended: %v\n%s", <-ended, told)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		for lines.Scan() {
			told.WriteString(lines.Text() + "\n")
		}
	}()

	var answer string
	status := func(path, key string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1"+port+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if key != "" {
			req.Header.Set("Authorization", "Bearer "+key)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answer = string(body)
		if path == "/metrics" && resp.StatusCode == http.StatusOK && !bytes.Contains(body, []byte(`atelier_queue_messages{state="visible"} 0`)) {
			t.Errorf("the metrics don't tell the queue's depth: %s", body)
		}
		return resp.StatusCode
	}
	admin := "not made yet"
	for _, tt := range []struct {
		path string
		key  *string
		want int
	}{
		{"/readyz", nil, 200}, {"/", nil, 200}, {"/v1/gallery", nil, 200}, {"/v1/jobs", nil, 401},
		{"/v1/jobs", &anna, 200}, {"/metrics", nil, 401}, {"/metrics", &anna, 403}, {"/metrics", &admin, 401},
	} {
		key := ""
		if tt.key != nil {
			key = *tt.key
		}
		if got := status(tt.path, key); got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.path, got, tt.want)
		}
	}
	admin = keygen("ops", "admin") // while it runs
	if got := status("/metrics", admin); got != http.StatusOK {
		t.Errorf("the metrics with a key that was made while it runs: %d", got)
	}
	// Anna's key is revoked, with a typo in another line.
	content, err := os.ReadFile(keys)
	if err == nil {
		_, rest, _ := strings.Cut(string(content), "\n")
		err = os.WriteFile(keys, []byte("anna\n"+rest), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got := status("/v1/jobs", anna); got != http.StatusUnauthorized {
		t.Errorf("a revoked key beside a typo: %d", got)
	}
	if got := status("/metrics", admin); got != http.StatusOK || !strings.Contains(answer, "\natelier_keys 1\n") || !strings.Contains(answer, "\natelier_keys_bad_lines 1\n") || !strings.Contains(answer, "\natelier_keys_file_ok 1\n") || !strings.Contains(answer, `atelier_sweeps_total{result="ok"} `) {
		t.Errorf("the metrics: %d: %s", got, answer)
	}
	var shown bytes.Buffer
	if err := run(t.Context(), []string{"keycheck", keys}, os.Getenv, &shown, &shown); err == nil || !strings.Contains(err.Error(), "line 1: a line has three words") {
		t.Errorf("keycheck: %v", err)
	}
	keys = filepath.Join(t.TempDir(), "keys")
	keygen("berta", "read")
	if err := run(t.Context(), []string{"keycheck", keys}, os.Getenv, &shown, &shown); err != nil || shown.String() != keys+": valid (1 key)\n" {
		t.Errorf("keycheck: %v, %s", err, &shown)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("stop: %v", err)
	}
	<-drained
	for _, key := range []string{anna, admin} {
		if strings.Contains(told.String(), key) {
			t.Errorf("a key was logged:\n%s", told)
		}
	}
	if !strings.Contains(told.String(), "line 1: a line has three words") {
		t.Errorf("the typo was not logged:\n%s", told)
	}
	if !strings.Contains(told.String(), "not encrypted") {
		t.Errorf("it was not warned:\n%s", told)
	}
}

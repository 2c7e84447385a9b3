// Package ministacktest provides tests with their own MiniStack.
package ministacktest

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/atelier-go/atelier/scripts/devstack/ministack"
	"github.com/atelier-go/atelier/scripts/setuptest"
)

// Start runs a MiniStack during a test and returns the SDK's configuration for it. The test is
// skipped with -short and if MiniStack is not installed; in CI a missing MiniStack is a failure.
func Start(t testing.TB) (ministack.Locked, aws.Config) {
	t.Helper()
	locked := StartLocked(t)
	cfg, err := locked.Config(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return locked, cfg
}

// StartLocked is Start without a configuration.
func StartLocked(t testing.TB) ministack.Locked {
	t.Helper()
	locked := ministack.Lock(freePort(t))
	run(t, locked.Command(program(t)), locked.Health())
	return locked
}

// StartForTemplate is StartLocked with the services of the template of scripts/deploy.
func StartForTemplate(t testing.TB) ministack.Locked {
	t.Helper()
	locked := ministack.Lock(freePort(t))
	run(t, locked.CommandForTemplate(program(t)), locked.Health())
	return locked
}

// StartUnlocked runs a MiniStack that does not check signatures, and returns its URL.
func StartUnlocked(t testing.TB) string {
	t.Helper()
	port := freePort(t)
	cmd := exec.Command(program(t))
	cmd.Env = append(ministack.Clean(os.Environ()), "BIND_HOST=127.0.0.1", fmt.Sprintf("GATEWAY_PORT=%d", port), "IOT_MTLS_ENABLED=0")
	cmd.Dir = t.TempDir()
	url := ministack.Endpoint(port)
	run(t, cmd, url+"/_ministack/health")
	return url
}

func program(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("needs MiniStack: left out with -short")
	}
	setuptest.Require(t, "", "ATELIER_MINISTACK")
	return os.Getenv("ATELIER_MINISTACK")
}

func freePort(t testing.TB) int {
	t.Helper()
	port, err := ministack.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// run starts the process and ends it with the test.
func run(t testing.TB, cmd *exec.Cmd, health string) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatalf("start MiniStack: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // fails only if it died
		_ = cmd.Wait()                          // "signal: terminated"
		if t.Failed() {
			t.Logf("MiniStack's log:\n%s", out.Bytes())
		}
	})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := ministack.WaitReady(ctx, health); err != nil {
		t.Fatal(err)
	}
}

package main_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// TestStartsWhileTheFileServerHangs: a file server that doesn't respond is not waited for.
func TestStartsWhileTheFileServerHangs(t *testing.T) {
	if testing.Short() {
		t.Skip("needs a file server: left out with -short")
	}
	const nfs = "../../../scripts/nfs"
	if out, err := exec.Command(nfs, "--check").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("%v: %s", err, out)
		}
		t.Skipf("%s", out)
	}
	const script = `set -e
mkdir "$NFS_A/model"
head -c 1000000 /dev/zero >"$NFS_A/model/weights"
ls -l "$NFS_B/model"
"$NFS_SERVER" stop
export ATELIER_READ_AHEAD=$NFS_B/model
exec "$0" /bin/sh -c 'echo started'`
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, nfs, "--timeout", "100", "--", "bash", "-c", script, bootstrap(t)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "started\n") || !strings.Contains(string(out), "does not respond") {
		t.Errorf("got %s, %v, want a program that has started", out, err)
	}
}

package main_test

import (
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/nfstest"
)

// TestStartsWhileTheFileServerHangs checks that the start doesn't wait for an unresponsive file
// server.
func TestStartsWhileTheFileServerHangs(t *testing.T) {
	const script = `set -e
mkdir "$NFS_A/model"
head -c 1000000 /dev/zero >"$NFS_A/model/weights"
ls -l "$NFS_B/model"
"$NFS_SERVER" stop
export ATELIER_READ_AHEAD=$NFS_B/model
exec "$0" /bin/sh -c 'echo started'`
	out, err := nfstest.Command(t, "--timeout", "100", "--", "bash", "-c", script, bootstrap(t)).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "started\n") || !strings.Contains(string(out), "does not respond") {
		t.Errorf("got %s, %v, want a program that has started", out, err)
	}
}

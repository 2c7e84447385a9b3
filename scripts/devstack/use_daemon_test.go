package main_test

import (
	"net/http"
	"os"
	"regexp"
	"syscall"
	"testing"

	"github.com/atelier-go/atelier/pkg/job"
)

// The daemon on EC2. One that is killed in the middle of its work loses nothing:
// the stack starts it again, the lease runs out, and every job is painted.
func TestUseDaemonKilledLosesNothing(t *testing.T) {
	d := start(t, "server", "ATELIER_LEASE=3s")
	large := photo(t, 2000, 1500)
	var ids []job.ID
	pid := 0
	waitFor(t, func() bool { // until one of them is seen while it is painted
		ids = append(ids, d.submit(large), d.submit(large))
		for _, id := range ids {
			if d.read(id).State == job.Running {
				pid = claimant(t, d.dir, id)
				return true
			}
		}
		return false
	})
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	d.said.waitFor(t, regexp.MustCompile(`worker-daemon died \(signal: killed\)`))
	again := 0
	for _, id := range ids {
		j := d.painted(id)
		if j.Receipt == nil || j.Receipt.Worker != "daemon" {
			t.Errorf("job %s was painted by %+v", id, j.Receipt)
		}
		again = max(again, j.Attempts)
	}
	if again < 2 {
		t.Error("no job was attempted twice: the kill hit nothing")
	}
	d.end(os.Interrupt)
	if resp, err := http.Get(d.base + "/healthz"); err == nil {
		_ = resp.Body.Close() // it should not be there
		t.Error("the API outlived the stack")
	}
	noTemporaryFiles(t, d.dir)
}

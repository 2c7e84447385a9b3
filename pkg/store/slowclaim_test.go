package store

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// A worker that wants to claim a job reads a lease that is about to expire, and reads the clock
// much later; meanwhile the lease is renewed.
func TestSlowClaimerDoesNotTakeRenewedLease(t *testing.T) {
	for attempts, name := range map[int]string{2: "takes over", 1: "gives up"} {
		t.Run(name, func(t *testing.T) {
			sc := newScene(t)
			l := sc.createAndClaim()
			other := &Store{dir: sc.dir, lease: sc.lease, maxAttempts: attempts}
			paused := false
			other.step = func(op, path string, call func() error) error {
				switch {
				case paused:
				case op == "open" && filepath.Base(path) == claimFile(1):
					// The claim is 59 minutes old when it is read, and 61 when the clock is read.
					return errors.Join(sc.setTime(path, time.Now().Add(-61*time.Minute)), call())
				case op == "create":
					paused = true
					return errors.Join(call(), l.Renew())
				}
				return call()
			}
			if _, err := other.Claim(t.Context(), l.Spec.ID, 1, "slow"); !errors.Is(err, job.ErrBusy) {
				t.Errorf("the slow claimer: %v", err)
			}
			if err := l.Renew(); err != nil {
				t.Errorf("the worker renews: %v", err)
			}
			if err := l.Succeed([]byte("painted"), nil, job.Result{}, job.Receipt{}); err != nil {
				t.Errorf("the worker finishes: %v", err)
			}
			if left := sc.leftovers(); len(left) > 0 {
				t.Errorf("left behind: %s", strings.Join(left, ", "))
			}
		})
	}
}

// A claim whose content was lost with the power counts for the run in which it was made.
func TestUnreadableClaimCountsForItsOwnRun(t *testing.T) {
	sc := newScene(t)
	l := sc.createAndClaim()
	id := l.Spec.ID
	if _, err := sc.Cancel(id); err != nil {
		t.Fatal(err)
	}
	if _, _, err := sc.Retry(id); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(l.path(claimFile(1)), 0); err != nil {
		t.Fatal(err)
	}
	sc.expire(id)
	if j, err := sc.readFromEvents(id); err != nil || j.State != job.Queued || j.Attempts != 0 {
		t.Errorf("the retried job: %+v, %v", j, err)
	}
	again, err := sc.Claim(t.Context(), id, 2, "second")
	if err != nil {
		t.Fatal(err)
	}
	if again.Attempt != 1 || again.Crashed {
		t.Errorf("attempt %d of run 2, crashed %t", again.Attempt, again.Crashed)
	}
	// For its own run it does count.
	if err := os.Truncate(again.path(claimFile(2)), 0); err != nil {
		t.Fatal(err)
	}
	sc.expire(id)
	if again, err = sc.Claim(t.Context(), id, 2, "third"); err != nil || again.Attempt != 2 || !again.Crashed {
		t.Errorf("%+v, %v", again, err)
	}
}

package measurement

import (
	"testing"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// The processor time of the load generator and the emulators is not the system's.
func TestBusy(t *testing.T) {
	r := Run{Footer: Footer{Used: map[string]float64{
		"worker-lambda": 2, "picture-decoder": 0.5, "bootstrap": 1, "ministack": 8, "devstack": 4, "sender": 16,
	}}}
	if got, want := r.Busy(), (Busy{System: 3.5, StandIns: 12, Sender: 16}); got != want || got.All() != 31.5 {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// The load generator counts in the machine's load.
func TestShareIncludesLoadGenerator(t *testing.T) {
	u, err := startUsage()
	if err != nil {
		t.Fatal(err)
	}
	began, before := time.Now(), machine.ProcessorTime()
	for machine.ProcessorTime()-before < 200*time.Millisecond { // work
	}
	f := u.footer(time.Since(began))
	if f.Share <= 0 || f.Used[sender] < 0.2 {
		t.Errorf("got a share of %v, the load generator used %v s", f.Share, f.Used[sender])
	}
}

package measurement

import (
	"errors"
	"maps"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// A usage watches what a run takes of the machine.
type usage struct {
	processors machine.Processors
	known      bool // processors could be read
	own        time.Duration
	before     map[string]float64
}

func startUsage() (*usage, error) {
	u := &usage{own: machine.ProcessorTime()}
	u.before = u.ofPrograms()
	var err error
	u.processors, err = machine.ReadProcessors()
	if errors.Is(err, machine.ErrNoCounters) {
		return u, nil
	}
	u.known = err == nil
	return u, err
}

// ofPrograms is what the programs that this process has started, and that have not ended, have
// used so far, in seconds of processor.
func (u *usage) ofPrograms() map[string]float64 {
	all := machine.ProcessorTimes(os.Getpid())
	delete(all, machine.ProgramName())
	return all
}

// footer is what a load of so long took.
func (u *usage) footer(load time.Duration) Footer {
	f := Footer{Seconds: load.Seconds(), Used: map[string]float64{}}
	now := u.ofPrograms()
	for name := range now {
		f.Used[name] = now[name] - u.before[name]
	}
	maps.DeleteFunc(f.Used, func(_ string, s float64) bool { return s <= 0 })
	f.Used[sender] = (machine.ProcessorTime() - u.own).Seconds()
	f.Share = sum(f.Used) / (load.Seconds() * float64(runtime.GOMAXPROCS(0)))
	if u.known {
		if p, err := machine.ReadProcessors(); err == nil {
			f.Steal, f.Share = p.StealSince(u.processors), max(f.Share, p.BusySince(u.processors))
		}
	}
	return f
}

// sender is the name of this process among what was used.
const sender = "sender"

// standIns are the programs that are there in place of AWS: MiniStack, whose queue and functions they
// are, and what starts it.
var standIns = []string{"devstack", "ministack"}

// Busy is the processor seconds of a run.
type Busy struct {
	System   float64 // of the system that is measured: what its processors would be paid for
	StandIns float64 // of what is in AWS's place
	Sender   float64 // of what sends the load
}

// All is what all programs of the run took.
func (b Busy) All() float64 { return b.System + b.StandIns + b.Sender }

// Busy is what the run took of the processors.
func (r *Run) Busy() (b Busy) {
	for _, name := range slices.Sorted(maps.Keys(r.Footer.Used)) { // the sum of floating point numbers has an order
		seconds := r.Footer.Used[name]
		switch {
		case name == sender:
			b.Sender += seconds
		case slices.Contains(standIns, name):
			b.StandIns += seconds
		default:
			b.System += seconds
		}
	}
	return b
}

func sum(all map[string]float64) (s float64) {
	for _, v := range all {
		s += v
	}
	return s
}

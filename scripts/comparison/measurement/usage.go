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

// A usage measures a run's use of the machine.
type usage struct {
	processors machine.Processors
	known      bool // processor time could be read
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

// ofPrograms returns the processor seconds used so far by the programs that this process has
// started and that have not ended.
func (u *usage) ofPrograms() map[string]float64 {
	all := machine.ProcessorTimes(os.Getpid())
	delete(all, machine.ProgramName())
	return all
}

// footer returns the use of the machine by a load of the given duration.
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

// sender is the name under which this process, the load generator, is counted.
const sender = "sender"

// standIns are the programs that emulate AWS: MiniStack, with its queue and functions, and the
// program that starts it.
var standIns = []string{"devstack", "ministack"}

// Busy has the processor seconds of a run.
type Busy struct {
	System   float64 // of the measured system, whose processors would be billed
	StandIns float64 // of the emulators of AWS
	Sender   float64 // of the load generator
}

// All returns the processor seconds of all programs of the run.
func (b Busy) All() float64 { return b.System + b.StandIns + b.Sender }

// Busy returns the run's use of the processors.
func (r *Run) Busy() (b Busy) {
	for _, name := range slices.Sorted(maps.Keys(r.Footer.Used)) { // sorted, because the sum of floating-point numbers depends on the order
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

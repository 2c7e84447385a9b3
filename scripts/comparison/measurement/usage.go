package measurement

import (
	"errors"
	"maps"
	"os"
	"runtime"
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
	f.Share = sum(f.Used) / (load.Seconds() * float64(runtime.GOMAXPROCS(0)))
	f.Used[sender] = (machine.ProcessorTime() - u.own).Seconds()
	if u.known {
		if p, err := machine.ReadProcessors(); err == nil {
			f.Steal = p.StealSince(u.processors)
		}
	}
	return f
}

// sender is the name of this process among what was used.
const sender = "sender"

func sum(all map[string]float64) (s float64) {
	for _, v := range all {
		s += v
	}
	return s
}

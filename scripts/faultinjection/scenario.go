//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/pkg/queue/queuefake"
)

// A scenario is one kind of fault. A value is used for one trial only.
type scenario struct {
	name   string
	breaks string // what is broken, in words
	checks string // what is asserted in addition to what always is; "" is nothing

	// prepare changes the settings of the stack before it starts. It returns an [*unavailableError] if the scenario
	// can't run on this machine. It registers with [settings.cleanup] what undoes its changes to the machine.
	prepare func(ctx context.Context, c *settings) error
	queue   queuefake.Faults
	special special // the picture of some of the jobs; the zero value: there is none

	// before submits some of the jobs before the first fault, and returns their number. after is called when the last
	// fault is over. Both can be nil.
	before func(ctx context.Context, t *trial, l *load, jobs int) (submitted int, err error)
	after  func(ctx context.Context, t *trial)

	// fault breaks something once. Where the next fault needs it, it also repairs it. It returns whether the fault had
	// an effect.
	fault func(ctx context.Context, t *trial) bool
	every time.Duration // mean time from the end of a fault to the next one
	takes time.Duration // what a fault takes
	burst bool          // jobs are submitted as fast as they are accepted, however long the faults take

	short, long size // how much is tried; 0: the default
	nfs         bool // runs inside scripts/nfs
}

// special is a picture that differs from the others.
type special struct {
	color string // see hostile.c
	every int    // every nth job has it; 0: none
	fails string // the error code with which its jobs must fail; "": they must succeed
}

// A size is how much is tried.
type size struct{ jobs, times int }

func (o *options) size(sc *scenario) size {
	usual, own := size{300, 20}, sc.short
	if o.Long {
		usual, own = size{3000, 200}, sc.long
	}
	s := usual
	for _, better := range []size{own, {o.Jobs, o.Times}} {
		if better.jobs > 0 {
			s.jobs = better.jobs
		}
		if better.times > 0 {
			s.times = better.times
		}
	}
	if sc.fault == nil {
		s.times = 0
	}
	return s
}

// load returns the time over which jobs are submitted, which is that of all faults; 0 means as fast as they are
// accepted.
func (s size) load(sc *scenario) time.Duration {
	if sc.burst {
		return 0
	}
	return time.Duration(s.times) * (sc.every + sc.takes)
}

// duration returns about how long a scenario takes.
func (s size) duration(sc *scenario) time.Duration {
	const perJob, around = 15 * time.Millisecond, 15 * time.Second
	return max(s.load(sc), time.Duration(s.jobs)*perJob) + around
}

// An unavailableError says why a scenario can't run on this machine, and what to do.
type unavailableError struct{ why string }

func (e *unavailableError) Error() string { return e.why }

// catalogue returns new values of all scenarios.
func catalogue() []*scenario {
	return []*scenario{
		undisturbed(), kill(), terminate(), pauseProcesses(), pauseAndKill(), clocks(), sweepers(),
		unreliableQueue(), queueAway(), queueCrash(), purge(), crowd(), bucketAway(), retention(),
		fullDisk(), noInodes(), faultyFiles(), fileServerAway(),
		modelGone(), modelBroken(), poison(), hang(),
		functions(), deadline(), spotNotice(),
	}
}

func choose(names []string) ([]*scenario, error) {
	all := catalogue()
	if len(names) == 0 {
		return all, nil
	}
	var chosen []*scenario
	for _, name := range names {
		i := slices.IndexFunc(all, func(sc *scenario) bool { return sc.name == name })
		if i < 0 {
			var known []string
			for _, sc := range all {
				known = append(known, sc.name)
			}
			return nil, fmt.Errorf("there is no scenario %q: there are %s", name, strings.Join(known, ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// one returns an element chosen at random; there must be one.
func one[T any](chance *rand.Rand, some []T) T { return some[chance.IntN(len(some))] }

package simulation

import (
	"fmt"
	"math"
	"time"

	"github.com/atelier-go/atelier/pkg/prices"
)

// A Function runs each invocation in an environment of its own.
type Function struct {
	// Place is the time from an invocation without an idle environment to the beginning of its
	// init. It is not billed.
	Place Distribution
	// Init is the time from there until the handler begins, without waiting for cold reads. It is
	// billed.
	Init Distribution
	// ColdReadBytes are read from the file system after Init and billed as part of it. Throughput,
	// in bytes a second, is that of all environments together, EnvironmentThroughput that of one; 0
	// means no limit.
	ColdReadBytes, Throughput, EnvironmentThroughput float64

	KeepAlive   float64 // seconds after which an idle environment is ended
	Lifetime    float64 // seconds after which an environment is no longer used; 0 for no limit
	Concurrency int     // maximum of busy environments, by quota or reservation

	JobsAtOnce int     // jobs of a batch that an environment works on at once; 1 or more
	Processors float64 // processors of an environment for these jobs; 1 or more
}

func (f Function) validate() error {
	switch {
	case f.Place == nil || f.Init == nil:
		return fmt.Errorf("a function needs distributions of the time to place and to init an environment")
	case !(f.ColdReadBytes >= 0 && f.Throughput >= 0 && f.EnvironmentThroughput >= 0):
		return fmt.Errorf("bytes and throughput of cold reads must be zero or more")
	case !(f.KeepAlive >= 0 && f.Lifetime >= 0):
		return fmt.Errorf("keep-alive and lifetime must be zero or more seconds, not %g and %g", f.KeepAlive, f.Lifetime)
	case f.Concurrency < 1 || f.JobsAtOnce < 1 || !(f.Processors >= 1):
		return fmt.Errorf("a function's concurrency, jobs at once and processors must be 1 or more, not %d, %d and %g", f.Concurrency, f.JobsAtOnce, f.Processors)
	}
	return nil
}

// An environment works on one invocation at a time; next and last are the range of jobs of its
// batch.
type environment struct {
	host
	created, idleSince float64
	invoked            float64 // begin of the billed time of the invocation
	next, last         int     // jobs of the batch that have not begun: [next, last)
}

// environments are all environments of a function.
type environments struct {
	*core
	f        Function
	all      []environment
	idle     []int32 // heap, newest first; some may have expired
	busy     int
	reads    reads
	returned func() // called when an invocation has ended
}

func newEnvironments(c *core, f Function) *environments {
	return &environments{core: c, f: f, reads: reads{bytes: f.ColdReadBytes, throughput: f.Throughput, each: f.EnvironmentThroughput}}
}

// invoke runs jobs [first, last) in the newest idle environment, or in a new one.
func (s *environments) invoke(first, last int) {
	s.usage.Invocations++
	s.busy++
	s.usage.Peak = max(s.usage.Peak, s.busy)
	id, warm := s.takeIdle()
	if !warm {
		id = int32(len(s.all))
		s.all = append(s.all, environment{host: host{processors: s.f.Processors}, created: s.now})
		s.usage.ColdStarts++
	}
	e := &s.all[id]
	e.next, e.last = first, last
	for job := first; job < last; job++ {
		s.jobs[job].Taken = s.now
		s.jobs[job].Cold = !warm
	}
	if warm {
		e.invoked = s.now
		s.work(id)
		return
	}
	e.invoked = s.now + s.f.Place(s.random)
	s.events.push(event{at: e.invoked + s.f.Init(s.random), kind: initDone, subject: id})
}

// takeIdle returns the newest idle environment that has not ended, and accounts for the ended ones
// that it finds.
func (s *environments) takeIdle() (int32, bool) {
	for len(s.idle) > 0 {
		id := s.popIdle()
		e := &s.all[id]
		ends := s.ends(e)
		if ends >= s.now {
			return id, true
		}
		s.usage.EnvironmentSeconds += ends - e.created
	}
	return 0, false
}

// ends returns when an idle environment ends unless it is used before.
func (s *environments) ends(e *environment) float64 {
	ends := e.idleSince + s.f.KeepAlive
	if s.f.Lifetime > 0 {
		ends = min(ends, max(e.idleSince, e.created+s.f.Lifetime))
	}
	return ends
}

// work begins as many jobs of the batch as run at once.
func (s *environments) work(id int32) {
	e := &s.all[id]
	for e.next < e.last && len(e.running) < s.f.JobsAtOnce {
		s.begin(&e.host, id, e.next)
		e.next++
	}
}

// ready begins the work of an environment that has started.
func (s *environments) ready(id int32) {
	s.usage.InitSeconds += s.now - s.all[id].invoked
	s.work(id)
}

func (s *environments) handle(ev event) {
	switch ev.kind {
	case initDone:
		if !s.read(&s.reads, ev.subject) {
			s.ready(ev.subject)
		}
	case readDone:
		if id, ok := s.hasRead(&s.reads, ev); ok {
			s.ready(id)
		}
	case jobDone:
		e := &s.all[ev.subject]
		if !s.complete(&e.host, ev, s.finished) {
			return
		}
		s.work(ev.subject)
		if len(e.running) > 0 {
			return
		}
		s.usage.BilledSeconds += prices.Billed(time.Duration(math.Round((s.now - e.invoked) * 1e9))).Seconds()
		s.busy--
		e.idleSince = s.now
		s.pushIdle(ev.subject)
		if s.returned != nil {
			s.returned()
		}
	}
}

func (s *environments) end(at float64) {
	for _, id := range s.idle {
		e := &s.all[id]
		s.usage.EnvironmentSeconds += min(s.ends(e), at) - e.created
	}
}

func (s *environments) pushIdle(id int32) {
	h := append(s.idle, id)
	i := len(h) - 1
	for i > 0 && h[(i-1)/2] < id {
		h[i] = h[(i-1)/2]
		i = (i - 1) / 2
	}
	h[i] = id
	s.idle = h
}

func (s *environments) popIdle() int32 {
	h := s.idle
	newest, last := h[0], h[len(h)-1]
	h = h[:len(h)-1]
	s.idle = h
	for i := 0; len(h) > 0; {
		child := 2*i + 1
		if child+1 < len(h) && h[child+1] > h[child] {
			child++
		}
		if child >= len(h) || h[child] <= last {
			h[i] = last
			break
		}
		h[i] = h[child]
		i = child
	}
	return newest
}

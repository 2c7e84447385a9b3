package simulation

import "fmt"

// A Machine runs a whole system whose parts all share its processors: the program that receives
// submissions, a queue, and environments of a worker.
type Machine struct {
	Processors float64
	// Slowdown is the share by which all work takes longer while other tasks occupy the other
	// processors, because they share memory and caches.
	Slowdown float64
	// Before is the processor seconds of a submission until its job is queued. Delay is the time
	// from there until an environment can receive it.
	Before, Delay Distribution
	// After is the time from the end of the work until the client has the picture; the place is free
	// from the end of the work on. Beside is the processor seconds that are spent on the job after its
	// work.
	After, Beside Distribution

	Environments int // maximum
	JobsAtOnce   int // per environment
	// Start is the processor seconds of starting an environment, which happens when a job has no
	// place. nil: all environments exist from the beginning.
	Start Distribution
	// Idle is the time in seconds for which an environment without a job is kept. 0: without limit.
	Idle float64
	// Demand is the number of processors that a job's work occupies at full speed, for example with
	// threads.
	Demand float64
}

func (m Machine) validate() error {
	switch {
	case m.Before == nil || m.Delay == nil || m.After == nil || m.Beside == nil:
		return fmt.Errorf("a machine needs distributions of the times before, after and beside the work of a job")
	case !(m.Processors > 0) || !(m.Demand > 0) || !(m.Slowdown >= 0):
		return fmt.Errorf("a machine's processors and a job's demand must be positive, and its slowdown zero or more, not %g, %g and %g", m.Processors, m.Demand, m.Slowdown)
	case !(m.Idle >= 0):
		return fmt.Errorf("a machine's environments must be kept for zero seconds or more, not %g", m.Idle)
	case m.Environments < 1 || m.JobsAtOnce < 1:
		return fmt.Errorf("a machine needs one environment or more, for one job or more each, not %d and %d", m.Environments, m.JobsAtOnce)
	}
	return nil
}

// part is the purpose of a task on a machine.
type part uint8

const (
	submitting part = iota // a job
	starting               // an environment
	working                // on a job
	beside                 // on a job, after its work
)

type machineTask struct {
	part    part
	subject int // job or environment
}

type machineEnvironment struct {
	busy  int // occupied places
	ready bool
	held  []int   // jobs waiting for its start
	idle  float64 // since when it has had no job
	ended bool
}

type machine struct {
	*core
	m            Machine
	host         host
	tasks        []machineTask // all tasks so far
	environments []machineEnvironment
	queue        []int // waiting jobs
}

// Local simulates a system on one machine. A job goes to the newest environment with a free place,
// or to a new one if the maximum allows it; otherwise it waits. Jobs for which an environment is
// started are cold.
func Local(l Load, m Machine) (Result, error) {
	if err := m.validate(); err != nil {
		return Result{}, err
	}
	c, err := newCore(l)
	if err != nil {
		return Result{}, err
	}
	s := &machine{core: c, m: m, host: host{processors: m.Processors, slowdown: m.Slowdown}}
	if m.Start == nil {
		for range m.Environments {
			s.environments = append(s.environments, machineEnvironment{ready: true})
		}
	}
	return c.run(s, 0), nil
}

// begin starts a task of the given part on the processors.
func (s *machine) begin(p part, subject int, work, demand float64) {
	s.tasks = append(s.tasks, machineTask{p, subject})
	s.occupy(&s.host, 0, task{job: len(s.tasks) - 1, demand: demand}, work)
}

func (s *machine) arrive(job int) { s.begin(submitting, job, s.m.Before(s.random), 1) }

func (s *machine) handle(e event) {
	switch e.kind {
	case jobDone:
		var done []machineTask
		if s.complete(&s.host, e, func(n int) { done = append(done, s.tasks[n]) }) {
			for _, t := range done {
				s.did(t)
			}
		}
	case jobQueued:
		s.queue = append(s.queue, int(e.subject))
		s.dispatch()
	case jobReturned:
		s.finished(int(e.subject))
	}
}

// did continues after a task.
func (s *machine) did(t machineTask) {
	switch t.part {
	case submitting:
		s.events.push(event{at: s.now + s.m.Delay(s.random), kind: jobQueued, subject: int32(t.subject)}) //nolint:gosec // as many as jobs
	case starting:
		n := &s.environments[t.subject]
		n.ready = true
		for _, job := range n.held {
			s.work(job, t.subject)
		}
		n.held = nil
	case working:
		n := &s.environments[s.jobs[t.subject].Worker]
		n.busy, n.idle = n.busy-1, s.now
		s.events.push(event{at: s.now + s.m.After(s.random), kind: jobReturned, subject: int32(t.subject)}) //nolint:gosec // as many as jobs
		s.begin(beside, t.subject, s.m.Beside(s.random), 1)
		s.dispatch()
	}
}

// dispatch assigns jobs to free places, oldest first.
func (s *machine) dispatch() {
	for len(s.queue) > 0 {
		id, cold, ok := s.place()
		if !ok {
			return
		}
		job := s.queue[0]
		s.queue = s.queue[1:]
		s.jobs[job].Taken, s.jobs[job].Cold = s.now, cold
		s.usage.Invocations++
		n := &s.environments[id]
		n.busy++
		if n.ready {
			s.work(job, id)
		} else {
			n.held = append(n.held, job)
		}
	}
}

// place returns an environment with a free place, starting it if necessary.
func (s *machine) place() (id int, cold, ok bool) {
	there := 0
	for id := len(s.environments) - 1; id >= 0; id-- {
		n := &s.environments[id]
		// An expired environment is only ended here, when a place is searched for.
		n.ended = n.ended || s.m.Start != nil && s.m.Idle > 0 && n.busy == 0 && s.now-n.idle > s.m.Idle
		if n.ended {
			continue
		}
		if n.busy < s.m.JobsAtOnce {
			return id, false, true
		}
		there++
	}
	if there == s.m.Environments {
		return 0, false, false
	}
	s.usage.Peak = max(s.usage.Peak, there+1)
	id = len(s.environments)
	s.environments = append(s.environments, machineEnvironment{})
	s.usage.ColdStarts++
	s.begin(starting, id, s.m.Start(s.random), 1)
	return id, true, true
}

func (s *machine) work(job, id int) {
	j := &s.jobs[job]
	j.Begun, j.Worker = s.now, int32(id) //nolint:gosec // there are fewer than 2^31
	s.begin(working, job, j.Work, s.m.Demand)
}

func (s *machine) end(float64) {
	if s.m.Start == nil {
		s.usage.Peak = len(s.environments)
	}
	s.usage.ProcessorSeconds = s.host.used
}

package simulation

import "fmt"

// A Machine runs a whole system, all of whose parts share its processors: what takes submissions, a
// queue, and environments of a worker. Nothing ends while it runs.
type Machine struct {
	Processors float64
	// Slowdown is the part by which all that runs takes longer while others occupy the other processors,
	// with which it shares memory and caches.
	Slowdown float64
	// Before is the seconds of a processor that a submission takes until its job is queued, and Delay
	// what it waits besides until an environment can take it.
	Before, Delay Distribution
	// After is how long a job's picture takes to those who wait for it, during which its place is free
	// again, and Beside the seconds of a processor that are spent on it after its work.
	After, Beside Distribution

	Environments int // at most
	JobsAtOnce   int // in an environment
	// Start is the seconds of a processor that the start of an environment takes, once there is a job
	// and no place for it. nil: all are there from the beginning.
	Start Distribution
	// Demand is the number of processors that a job's work occupies at full speed, such as by threads.
	Demand float64
}

func (m Machine) validate() error {
	switch {
	case m.Before == nil || m.Delay == nil || m.After == nil || m.Beside == nil:
		return fmt.Errorf("a machine needs distributions of what jobs take before, after and beside their work")
	case !(m.Processors > 0) || !(m.Demand > 0) || !(m.Slowdown >= 0):
		return fmt.Errorf("a machine's processors and a job's demand of them are positive, and its slowdown is zero or more, not %g, %g and %g", m.Processors, m.Demand, m.Slowdown)
	case m.Environments < 1 || m.JobsAtOnce < 1:
		return fmt.Errorf("a machine has one environment or more, for one job or more each, not %d and %d", m.Environments, m.JobsAtOnce)
	}
	return nil
}

// part is what a task on a machine is for.
type part uint8

const (
	submitting part = iota // a job
	starting               // an environment
	working                // on a job
	beside                 // likewise
)

type machineTask struct {
	part    part
	subject int // job or environment
}

type machineEnvironment struct {
	busy  int // places that are taken
	ready bool
	held  []int // jobs that wait for its start
}

type machine struct {
	*core
	m            Machine
	host         host
	tasks        []machineTask // all so far
	environments []machineEnvironment
	queue        []int // jobs
}

// Local simulates a system on one machine. A job goes to the newest environment that has a place, to
// a new one where there may be another, and else waits. Those that environments are started for
// are cold.
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

// begin has the processors do a part.
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

// did goes on after a part.
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
		s.environments[s.jobs[t.subject].Worker].busy--
		s.events.push(event{at: s.now + s.m.After(s.random), kind: jobReturned, subject: int32(t.subject)}) //nolint:gosec // likewise
		s.begin(beside, t.subject, s.m.Beside(s.random), 1)
		s.dispatch()
	}
}

// dispatch gives jobs to places, the oldest first.
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

// place is an environment with a place, which may have to be started.
func (s *machine) place() (id int, cold, ok bool) {
	for id := len(s.environments) - 1; id >= 0; id-- {
		if s.environments[id].busy < s.m.JobsAtOnce {
			return id, false, true
		}
	}
	if len(s.environments) == s.m.Environments {
		return 0, false, false
	}
	id = len(s.environments)
	s.environments = append(s.environments, machineEnvironment{})
	s.usage.ColdStarts++
	s.begin(starting, id, s.m.Start(s.random), 1)
	return id, true, true
}

func (s *machine) work(job, id int) {
	j := &s.jobs[job]
	j.Begun, j.Worker = s.now, int32(id) //nolint:gosec // there are not as many
	s.begin(working, job, j.Work, s.m.Demand)
}

func (s *machine) end(float64) {
	s.usage.Peak, s.usage.ProcessorSeconds = len(s.environments), s.host.used
}

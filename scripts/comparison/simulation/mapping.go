package simulation

import "fmt"

// A Mapping is an event source mapping between a queue and a function. [DefaultMapping] returns the
// documented values.
type Mapping struct {
	Transit     float64 // seconds from submission until a message can be received
	BatchSize   int     // maximum messages per invocation; it does not wait for more
	Initial     int     // initial limit of invocations at once
	Step        int     // added to the limit every StepSeconds while messages are left
	StepSeconds float64
	Maximum     int // maximum limit, for example by MaximumConcurrency
}

// DefaultMapping returns a mapping with a batch size of 1 and AWS's documented rates; see
// [Parameters]. maximum is MaximumConcurrency, or 0 for AWS's own limit.
func DefaultMapping(maximum int) Mapping {
	if maximum == 0 {
		maximum = MappingMaximum
	}
	return Mapping{BatchSize: 1, Initial: MappingInitial, Step: MappingStep, StepSeconds: MappingStepSeconds, Maximum: maximum}
}

func (m Mapping) validate() error {
	switch {
	case !(m.Transit >= 0):
		return fmt.Errorf("a mapping's transit must be zero or more seconds, not %g", m.Transit)
	case m.BatchSize < 1 || m.Initial < 1 || m.Maximum < 1:
		return fmt.Errorf("a mapping's batch size, initial and maximum concurrency must be 1 or more, not %d, %d and %d", m.BatchSize, m.Initial, m.Maximum)
	case m.Step < 0 || !(m.StepSeconds > 0):
		return fmt.Errorf("a mapping's step must be 0 or more per positive number of seconds, not %d per %g", m.Step, m.StepSeconds)
	}
	return nil
}

// queued is a function behind a queue.
type queued struct {
	*environments
	m       Mapping
	pollers int
	limit   int  // current limit of invocations at once
	ramping bool // an event to change the limit is scheduled
	polled  float64
}

// Queued simulates a function that receives jobs from a queue through an event source mapping. If
// the function's concurrency is below the mapping's limit, no invocation is attempted beyond it.
func Queued(l Load, f Function, m Mapping) (Result, error) {
	if err := f.validate(); err != nil {
		return Result{}, err
	}
	if err := m.validate(); err != nil {
		return Result{}, err
	}
	c, err := newCore(l)
	if err != nil {
		return Result{}, err
	}
	m.Maximum = min(m.Maximum, f.Concurrency)
	pollers := m.Initial
	m.Initial = min(m.Initial, m.Maximum)
	q := &queued{environments: newEnvironments(c, f), m: m, pollers: pollers, limit: m.Initial}
	q.returned = q.returnedOne
	return c.run(q, m.Transit), nil
}

func (q *queued) arrive(int) { q.dispatch() }

func (q *queued) returnedOne() {
	q.poll(q.busy + 1)
	q.dispatch()
}

// poll counts the empty receives of pollers without a running invocation; busy is the number of
// pollers that had one until now. There are as many pollers as initial invocations, even with a
// lower maximum, because a maximum keeps AWS from reducing them; see [Parameters].
func (q *queued) poll(busy int) {
	q.usage.EmptyReceives += (q.now - q.polled) / ReceiveSeconds * float64(max(0, q.pollers-busy))
	q.polled = q.now
}

// dispatch invokes the function for queued jobs as far as the limit allows.
func (q *queued) dispatch() {
	for q.backlog() > 0 && q.busy < q.limit {
		q.poll(q.busy)
		first := q.waiting
		q.waiting += min(q.m.BatchSize, q.backlog())
		q.usage.Receives++
		q.invoke(first, q.waiting)
	}
	if q.backlog() > 0 && !q.ramping && q.limit < q.m.Maximum {
		q.ramping = true
		q.events.push(event{at: q.now + q.m.StepSeconds, kind: ramp})
	}
}

func (q *queued) handle(e event) {
	if e.kind != ramp {
		q.environments.handle(e)
		return
	}
	q.ramping = false
	if q.backlog() > 0 {
		q.limit = min(q.limit+q.m.Step, q.m.Maximum)
		q.dispatch()
	} else {
		q.limit = max(q.limit-q.m.Step, q.m.Initial)
	}
	if !q.ramping && q.limit > q.m.Initial {
		q.ramping = true
		q.events.push(event{at: q.now + q.m.StepSeconds, kind: ramp})
	}
}

func (q *queued) end(at float64) {
	q.now = at
	q.poll(q.busy)
	q.environments.end(at)
}

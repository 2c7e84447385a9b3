package simulation

import "fmt"

// Instances are machines that receive jobs from a queue, or managed instances of a function that
// works on several requests at once.
type Instances struct {
	Transit    float64      // seconds from submission until a message can be received
	Slots      int          // jobs at once on an instance
	Processors float64      // of an instance, which those jobs share
	Boot       Distribution // from launch until an instance is in service
	Minimum    int          // instances in service from the beginning, and the fewest at any time
	Maximum    int
	Policy     Policy // required if Maximum is above Minimum
}

func (i Instances) validate() error {
	switch {
	case !(i.Transit >= 0):
		return fmt.Errorf("the transit to instances must be zero or more seconds, not %g", i.Transit)
	case i.Slots < 1 || !(i.Processors > 0):
		return fmt.Errorf("an instance has one slot or more and a positive number of processors, not %d and %g", i.Slots, i.Processors)
	case i.Minimum < 0 || i.Maximum < 1 || i.Maximum < i.Minimum:
		return fmt.Errorf("the minimum of instances must be 0 or more and the maximum 1 or more, not %d to %d", i.Minimum, i.Maximum)
	case i.Maximum > i.Minimum && i.Boot == nil:
		return fmt.Errorf("instances that are launched need a distribution of the time to boot")
	case i.Maximum > i.Minimum:
		return i.Policy.validate()
	}
	return nil
}

type phase uint8

const (
	booting phase = iota
	inService
	draining // receives no more jobs and ends after its last one
	ended
)

type instance struct {
	host
	phase    phase
	launched float64
}

type fleet struct {
	*core
	i      Instances
	all    []instance
	alive  []int32 // numbers of the instances in service or draining
	slots  int     // free slots in service
	count  [ended + 1]int
	inWork int // jobs
	scaler Scaler
	metrics
}

// Fleet simulates instances. The minimum number of them is in service from the beginning.
func Fleet(l Load, i Instances) (Result, error) {
	if err := i.validate(); err != nil {
		return Result{}, err
	}
	c, err := newCore(l)
	if err != nil {
		return Result{}, err
	}
	s := &fleet{core: c, i: i, scaler: Scaler{Policy: i.Policy, Minimum: i.Minimum, Maximum: i.Maximum}}
	for range i.Minimum {
		s.serve(s.launch())
	}
	if i.Maximum > i.Minimum {
		s.events.push(event{at: i.Policy.Period, kind: minuteEnd})
	}
	return c.run(s, i.Transit), nil
}

// launch adds an instance that boots.
func (s *fleet) launch() int32 {
	s.all = append(s.all, instance{host: host{processors: s.i.Processors}, launched: s.now})
	s.usage.Launches++
	s.count[booting]++
	return int32(len(s.all) - 1)
}

func (s *fleet) serve(id int32) {
	s.observe()
	s.move(id, inService)
	s.alive = append(s.alive, id)
	s.slots += s.i.Slots
	s.usage.Peak = max(s.usage.Peak, s.count[inService])
	s.dispatch()
}

func (s *fleet) move(id int32, to phase) {
	n := &s.all[id]
	s.count[n.phase]--
	s.count[to]++
	n.phase = to
}

// drain begins to drain the instance in service with the fewest jobs.
func (s *fleet) drain() {
	id := s.leastBusy()
	s.observe()
	s.slots -= s.i.Slots - len(s.all[id].running)
	s.move(id, draining)
	s.endDrained(id)
}

// endDrained ends an instance that has drained.
func (s *fleet) endDrained(id int32) {
	n := &s.all[id]
	if n.phase != draining || len(n.running) > 0 {
		return
	}
	s.retire(id)
	for k, other := range s.alive {
		if other == id {
			s.alive = append(s.alive[:k], s.alive[k+1:]...)
			break
		}
	}
}

// retire ends an instance without jobs.
func (s *fleet) retire(id int32) {
	s.move(id, ended)
	s.pay(&s.all[id], s.now)
}

func (s *fleet) pay(n *instance, until float64) {
	s.usage.InstanceSeconds += max(until-n.launched, InstanceMinimumSeconds)
}

func (s *fleet) leastBusy() int32 {
	least := int32(-1)
	for _, id := range s.alive {
		if s.all[id].phase == inService && (least < 0 || len(s.all[id].running) < len(s.all[least].running)) {
			least = id
		}
	}
	return least
}

func (s *fleet) arrive(int) {
	s.observe()
	s.sent++
	s.dispatch()
}

// dispatch gives jobs to the instance with the fewest jobs, while there are free slots.
func (s *fleet) dispatch() {
	for s.backlog() > 0 && s.slots > 0 {
		id := s.leastBusy()
		job := s.waiting
		s.jobs[job].Taken = s.now
		s.waiting++
		s.slots--
		s.inWork++
		s.usage.Receives++
		s.begin(&s.all[id].host, id, job)
	}
	s.waitingJobs = s.backlog()
}

func (s *fleet) handle(e event) {
	switch e.kind {
	case jobDone:
		s.observe()
		n := &s.all[e.subject]
		before := len(n.running)
		if !s.complete(&n.host, e, s.finished) {
			return
		}
		s.inWork -= before - len(n.running)
		if n.phase == inService {
			s.slots += before - len(n.running)
		}
		s.endDrained(e.subject)
		s.dispatch()
	case booted:
		if s.all[e.subject].phase == booting {
			s.serve(e.subject)
		}
	case minuteEnd:
		s.observe()
		s.datapoint()
		s.events.push(event{at: s.now + s.i.Policy.Period, kind: minuteEnd})
	case scaling:
		s.observe()
		seen := s.unseen[0]
		s.unseen = s.unseen[1:]
		s.scaleTo(s.scaler.Decide(s.now, seen, s.desired(), s.count[booting]))
	}
}

// desired returns the desired number of instances of the group.
func (s *fleet) desired() int { return s.count[inService] + s.count[booting] }

// scaleTo launches or ends instances: first those in service, then those that boot.
func (s *fleet) scaleTo(desired int) {
	for s.desired() < desired {
		s.events.push(event{at: s.now + s.i.Boot(s.random), kind: booted, subject: s.launch()})
	}
	for s.desired() > desired && s.count[inService] > 0 {
		s.drain()
	}
	for id := range s.all {
		if s.desired() > desired && s.all[id].phase == booting {
			s.retire(int32(id)) //nolint:gosec // there are fewer than 2^31
		}
	}
}

func (s *fleet) end(at float64) {
	s.now = at
	s.observe()
	for k := range s.all {
		if n := &s.all[k]; n.phase != ended {
			s.pay(n, at)
		}
	}
	s.usage.EmptyReceives = s.idleSeconds / ReceiveSeconds
}

package simulation

import (
	"fmt"
	"math"
)

// A Policy launches and ends instances, as target tracking of EC2 Auto Scaling does, by a
// metric of whole periods. With no instance at all, one is launched as soon as a period with
// a backlog is seen (the deployment template's alarm). [BacklogPolicy] and
// [BusySharePolicy] have the usual values.
type Policy struct {
	// Backlog is the target of waiting jobs for each instance in service, on average over a
	// period; 0 where BusyShare is the target.
	Backlog float64
	// BusyShare is the target of the share of slots in service that are busy, 0 to 1. It stands
	// for the use of processors by which managed instances scale.
	BusyShare float64

	Period     float64 // seconds of a datapoint
	Lag        float64 // seconds from a period's end until its datapoint is seen
	OutPeriods int     // consecutive datapoints above the target before instances are launched
	InPeriods  int     // consecutive ones below InShare of it before one is ended
	InShare    float64 // 0 to 1
	Warmup     float64 // seconds from a launch in which no instance is ended
}

// BacklogPolicy tracks a number of waiting jobs for each instance, with the alarms of target
// tracking and the deployment template's warm-up; see [Parameters].
func BacklogPolicy(backlog float64) Policy {
	return Policy{
		Backlog: backlog, Period: MetricPeriodSeconds, Lag: MetricLagSeconds,
		OutPeriods: ScaleOutPeriods, InPeriods: ScaleInPeriods, InShare: ScaleInShare, Warmup: WarmupSeconds,
	}
}

// BusySharePolicy tracks the share of slots that are busy, with the same alarms: an assumption
// for managed instances, of which AWS documents no more than that they scale by use of
// processors and of concurrency, and may not follow load that doubles within five minutes.
func BusySharePolicy(share float64) Policy {
	p := BacklogPolicy(0)
	p.BusyShare = share
	return p
}

func (p Policy) validate() error {
	switch {
	case (p.Backlog > 0) == (p.BusyShare > 0) || !(p.Backlog >= 0) || !(p.BusyShare >= 0 && p.BusyShare <= 1):
		return fmt.Errorf("a scaling policy has one target, a positive backlog or a busy share up to 1, not %g and %g", p.Backlog, p.BusyShare)
	case !(p.Period > 0) || !(p.Lag >= 0) || !(p.Warmup >= 0):
		return fmt.Errorf("a scaling policy's period is positive, its lag and warm-up zero or more, not %g, %g and %g s", p.Period, p.Lag, p.Warmup)
	case p.OutPeriods < 1 || p.InPeriods < 1 || !(p.InShare >= 0 && p.InShare <= 1):
		return fmt.Errorf("a scaling policy needs one period or more to scale out and in, and a share of 0 to 1, not %d, %d and %g", p.OutPeriods, p.InPeriods, p.InShare)
	}
	return nil
}

// policyState is what a policy has seen.
type policyState struct {
	observed    float64   // when the integrals below were brought up to date
	waitingJobs int       // backlog since then
	backlogTime float64   // of this period: integral of the backlog
	busyTime    float64   // of busy slots
	slotTime    float64   // of all slots in service
	serviceTime float64   // of instances in service
	idleSeconds float64   // of the whole run: of instances in service with a free slot
	unseen      []measure // datapoints on their way
	above       int       // consecutive datapoints above the target
	below       int
	launchedAt  float64
}

type measure struct {
	value   float64 // over the target: 1 is on target; NaN without instances
	serving float64 // instances in service, on average
	backlog bool    // something was waiting
}

// observe integrates what the fleet has been like since the last change.
func (s *fleet) observe() {
	span := s.now - s.observed
	s.observed = s.now
	serving := float64(s.count[inService])
	slots := serving * float64(s.i.Slots)
	s.backlogTime += span * float64(s.waitingJobs)
	s.busyTime += span * (slots - float64(s.slots))
	s.slotTime += span * slots
	s.serviceTime += span * serving
	if s.slots > 0 {
		s.idleSeconds += span * math.Min(serving, float64(s.slots))
	}
}

// datapoint ends a period of the metric.
func (s *fleet) datapoint() {
	p := s.i.Policy
	m := measure{backlog: s.backlogTime > 0, serving: s.serviceTime / p.Period}
	switch {
	case s.serviceTime == 0:
		m.value = math.NaN()
	case p.Backlog > 0:
		m.value = s.backlogTime / s.serviceTime / p.Backlog
	default:
		m.value = s.busyTime / s.slotTime / p.BusyShare
	}
	s.backlogTime, s.busyTime, s.slotTime, s.serviceTime = 0, 0, 0, 0
	s.unseen = append(s.unseen, m)
	s.events.push(event{at: s.now + p.Lag, kind: scaling})
}

// evaluate acts on a datapoint that has become visible.
func (s *fleet) evaluate() {
	p := s.i.Policy
	m := s.unseen[0]
	s.unseen = s.unseen[1:]
	capacity := s.count[inService] + s.count[booting]
	if capacity == 0 {
		s.above, s.below = 0, 0
		if m.backlog {
			s.scaleTo(1)
		}
		return
	}
	s.above, s.below = consecutive(s.above, m.value > 1), consecutive(s.below, m.value < p.InShare)
	switch {
	case s.above >= p.OutPeriods:
		s.scaleTo(int(math.Ceil(math.Min(m.serving*m.value, float64(s.i.Maximum)))))
	case s.below >= p.InPeriods && s.count[inService] > s.i.Minimum && s.count[booting] == 0 && s.now >= s.launchedAt+p.Warmup:
		s.drain()
	}
}

func consecutive(n int, holds bool) int {
	if holds {
		return n + 1
	}
	return 0
}

// scaleTo launches instances up to a capacity, those that boot included.
func (s *fleet) scaleTo(capacity int) {
	for s.count[inService]+s.count[booting] < min(capacity, s.i.Maximum) {
		id := s.launch()
		s.launchedAt = s.now
		s.events.push(event{at: s.now + s.i.Boot(s.random), kind: booted, subject: id})
	}
}

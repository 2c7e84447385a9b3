package simulation

import (
	"fmt"
	"math"
)

// A Policy launches and ends instances, as EC2 Auto Scaling does with the deployment template's
// policies and alarms, by metrics of whole periods: a target is tracked, an alarm adds the first
// instance where jobs wait and there is none, and another ends all once there was no work for some
// time. [BacklogPolicy] and [BusySharePolicy] have the usual values.
type Policy struct {
	// Backlog is the target of jobs that wait or are in work for each instance in service, on average
	// over a period; 0 where BusyShare is the target. The tracked backlog is one job or more, so that
	// tracking keeps an instance.
	Backlog float64
	// BusyShare is the target of the share of slots in service that are busy, 0 to 1. It stands
	// for the use of processors by which managed instances scale.
	BusyShare float64

	Period      float64 // seconds of a datapoint
	Lag         float64 // seconds from a period's end until its datapoint is seen
	OutPeriods  int     // consecutive datapoints above the target before instances are launched
	InPeriods   int     // consecutive ones below InShare of it before one is ended
	InShare     float64 // 0 to 1
	IdlePeriods int     // consecutive ones without work before all are ended
	Warmup      float64 // seconds from a launch in which tracking ends none, and the first alarm adds no other
}

// BacklogPolicy tracks a number of jobs for each instance, with the alarms of target tracking and
// those of the deployment template; see [Parameters].
func BacklogPolicy(backlog float64) Policy {
	return Policy{
		Backlog: backlog, Period: MetricPeriodSeconds, Lag: MetricLagSeconds, OutPeriods: ScaleOutPeriods,
		InPeriods: ScaleInPeriods, InShare: ScaleInShare, IdlePeriods: IdlePeriods, Warmup: WarmupSeconds,
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
	case p.OutPeriods < 1 || p.InPeriods < 1 || p.IdlePeriods < 1 || !(p.InShare >= 0 && p.InShare <= 1):
		return fmt.Errorf("a scaling policy needs one period or more to scale out, in and to none, and a share of 0 to 1, not %d, %d, %d and %g", p.OutPeriods, p.InPeriods, p.IdlePeriods, p.InShare)
	}
	return nil
}

// A Datapoint is what the metrics of a period are. Those that are missing are NaN, and lead to
// nothing.
type Datapoint struct {
	Backlog   float64 // jobs that waited or were in work, on average
	Waiting   float64 // the most jobs that waited at once
	Work      float64 // the most that waited, the most that were in work, and those submitted, together
	BusyShare float64 // of the slots in service, 0 to 1
	InService float64 // instances, on average
	// The least and the most instances that the group was to have, those that boot included.
	LeastDesired, MostDesired int
}

// A Scaler decides by a policy how many instances there are to be, a datapoint after the other.
type Scaler struct {
	Policy           Policy
	Minimum, Maximum int

	above, below, idle int // consecutive datapoints
	launched           float64
	begun              bool // it has launched any
}

// Decide returns the number of instances that a group is to have, now that a datapoint is seen, in
// seconds from the beginning. The group is to have desired ones so far, of which booting are not yet
// in service.
func (s *Scaler) Decide(now float64, d Datapoint, desired, booting int) int {
	p := s.Policy
	value := d.BusyShare / p.BusyShare // 1 is on target
	if p.Backlog > 0 {
		value = math.Max(d.Backlog, 1) / p.Backlog / d.InService
	}
	if d.InService == 0 {
		value = math.NaN()
	}
	s.above, s.below = consecutive(s.above, value > 1), consecutive(s.below, value < p.InShare)
	s.idle = consecutive(s.idle, d.LeastDesired > 0 && d.Work < 1)
	warm := !s.begun || now >= s.launched+p.Warmup
	to := desired
	switch {
	case s.idle >= p.IdlePeriods:
		to = 0
	case d.MostDesired == 0 && d.Waiting > 0 && warm:
		to = desired + 1
	case s.above >= p.OutPeriods:
		to = max(desired, s.wanted(d, value))
	case s.below >= p.InPeriods && booting == 0 && warm:
		to = max(min(desired, s.wanted(d, value)), desired-1)
	}
	to = min(max(to, s.Minimum), s.Maximum)
	if to > desired {
		s.begun, s.launched = true, now
	}
	return to
}

// wanted is how many instances would be on target: of fractions of one, more are added and fewer
// are ended.
func (s *Scaler) wanted(d Datapoint, value float64) int {
	return int(math.Ceil(math.Min(d.InService*value, float64(s.Maximum))))
}

func consecutive(n int, holds bool) int {
	if holds {
		return n + 1
	}
	return 0
}

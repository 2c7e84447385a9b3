package simulation

import (
	"fmt"
	"math"
)

// A Policy launches and ends instances like EC2 Auto Scaling with the policies and alarms of the
// deployment's template, by metrics of whole periods: it tracks a target, an alarm adds the first
// instance when jobs wait and there is none, and another alarm ends all instances after some time
// without work. [BacklogPolicy] and [BusySharePolicy] return the usual values.
type Policy struct {
	// Backlog is the target for the number of waiting and running jobs per instance in service,
	// averaged over a period; 0 if BusyShare is the target. The tracked backlog is one job or more,
	// so that tracking keeps an instance.
	Backlog float64
	// BusyShare is the target for the share of busy slots in service, 0 to 1. It approximates the
	// use of processors by which managed instances scale.
	BusyShare float64

	Period      float64 // seconds of a datapoint
	Lag         float64 // seconds from the end of a period until its datapoint is visible
	OutPeriods  int     // consecutive datapoints above the target before instances are launched
	InPeriods   int     // consecutive datapoints below InShare of the target before one is ended
	InShare     float64 // 0 to 1
	IdlePeriods int     // consecutive datapoints without work before all are ended
	Warmup      float64 // seconds after a launch in which tracking ends no instance and the first alarm adds none
}

// BacklogPolicy tracks a number of jobs per instance, with the alarms of target tracking and those
// of the deployment's template; see [Parameters].
func BacklogPolicy(backlog float64) Policy {
	return Policy{
		Backlog: backlog, Period: MetricPeriodSeconds, Lag: MetricLagSeconds, OutPeriods: ScaleOutPeriods,
		InPeriods: ScaleInPeriods, InShare: ScaleInShare, IdlePeriods: IdlePeriods, Warmup: WarmupSeconds,
	}
}

// BusySharePolicy tracks the share of busy slots, with the same alarms. It is an assumption for
// managed instances: AWS documents only that they scale by the use of processors and of
// concurrency, and may not follow load that doubles within five minutes.
func BusySharePolicy(share float64) Policy {
	p := BacklogPolicy(0)
	p.BusyShare = share
	return p
}

func (p Policy) validate() error {
	switch {
	case (p.Backlog > 0) == (p.BusyShare > 0) || !(p.Backlog >= 0) || !(p.BusyShare >= 0 && p.BusyShare <= 1):
		return fmt.Errorf("a scaling policy needs one target, a positive backlog or a busy share up to 1, not %g and %g", p.Backlog, p.BusyShare)
	case !(p.Period > 0) || !(p.Lag >= 0) || !(p.Warmup >= 0):
		return fmt.Errorf("a scaling policy's period must be positive, its lag and warm-up zero or more, not %g, %g and %g s", p.Period, p.Lag, p.Warmup)
	case p.OutPeriods < 1 || p.InPeriods < 1 || p.IdlePeriods < 1 || !(p.InShare >= 0 && p.InShare <= 1):
		return fmt.Errorf("a scaling policy needs one period or more to scale out, in and to none, and a share of 0 to 1, not %d, %d, %d and %g", p.OutPeriods, p.InPeriods, p.IdlePeriods, p.InShare)
	}
	return nil
}

// A Datapoint has the metrics of a period. Missing metrics are NaN and cause no action.
type Datapoint struct {
	Backlog   float64 // mean of waiting and running jobs
	Waiting   float64 // maximum of jobs waiting at once
	Work      float64 // maximum of waiting jobs plus maximum of running jobs plus submitted jobs
	BusyShare float64 // mean share of busy slots in service, 0 to 1
	InService float64 // mean number of instances in service
	// The minimum and maximum of the group's desired number of instances, including those that
	// boot.
	LeastDesired, MostDesired int
}

// A Scaler applies a policy to one datapoint after the other.
type Scaler struct {
	Policy           Policy
	Minimum, Maximum int

	above, below, idle int // consecutive datapoints
	launched           float64
	begun              bool // an instance has been launched
}

// Decide returns the desired number of instances of a group when a datapoint becomes visible. now
// is in seconds from the beginning; desired is the group's present number, of which booting are not
// yet in service.
func (s *Scaler) Decide(now float64, d Datapoint, desired, booting int) int {
	p := s.Policy
	value := d.BusyShare / p.BusyShare // 1 means on target
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

// wanted returns the number of instances that would be on target. Fractions are rounded so that
// more instances are added and fewer are ended.
func (s *Scaler) wanted(d Datapoint, value float64) int {
	return int(math.Ceil(math.Min(d.InService*value, float64(s.Maximum))))
}

func consecutive(n int, holds bool) int {
	if holds {
		return n + 1
	}
	return 0
}

package simulation

import "math"

// metrics compute the datapoints of a fleet.
type metrics struct {
	observed    float64 // when the fields below were last updated
	waitingJobs int     // since the last update
	began       float64 // begin of this period
	// Integrals over time and extremes in this period.
	backlogTime, busyTime, slotTime, serviceTime float64
	mostWaiting, mostWorking, sent               int
	leastDesired, mostDesired                    int

	idleSeconds float64     // seconds of instances in service with a free slot, over the whole run
	unseen      []Datapoint // not visible yet
}

// observe adds the state of the fleet since the last change. It must be called before each change.
func (s *fleet) observe() {
	span := s.now - s.observed
	if span <= 0 {
		return
	}
	if s.observed == s.began {
		s.leastDesired, s.mostDesired = math.MaxInt, 0
	}
	s.observed = s.now
	serving := float64(s.count[inService])
	slots := serving * float64(s.i.Slots)
	s.backlogTime += span * float64(s.waitingJobs+s.inWork)
	s.busyTime += span * (slots - float64(s.slots))
	s.slotTime += span * slots
	s.serviceTime += span * serving
	s.mostWaiting, s.mostWorking = max(s.mostWaiting, s.waitingJobs), max(s.mostWorking, s.inWork)
	s.leastDesired, s.mostDesired = min(s.leastDesired, s.desired()), max(s.mostDesired, s.desired())
	if s.slots > 0 {
		s.idleSeconds += span * math.Min(serving, float64(s.slots))
	}
}

// datapoint ends a period of the metrics.
func (s *fleet) datapoint() {
	s.unseen = append(s.unseen, Datapoint{
		Backlog: s.backlogTime / s.i.Policy.Period, BusyShare: s.busyTime / s.slotTime, InService: s.serviceTime / s.i.Policy.Period,
		Waiting: float64(s.mostWaiting), Work: float64(s.mostWaiting + s.mostWorking + s.sent), LeastDesired: s.leastDesired, MostDesired: s.mostDesired,
	})
	s.backlogTime, s.busyTime, s.slotTime, s.serviceTime = 0, 0, 0, 0
	s.mostWaiting, s.mostWorking, s.sent = 0, 0, 0
	s.began = s.now
	s.events.push(event{at: s.now + s.i.Policy.Lag, kind: scaling})
}

package simulation

import "math"

// metrics collect the datapoints of a fleet.
type metrics struct {
	observed    float64 // when the fields below were last brought up to date
	waitingJobs int     // since then
	began       float64 // of this period
	// Of this period: integrals over time, and extremes.
	backlogTime, busyTime, slotTime, serviceTime float64
	mostWaiting, mostWorking, sent               int
	leastDesired, mostDesired                    int

	idleSeconds float64     // of the whole run: of instances in service with a free slot
	unseen      []Datapoint // on their way
}

// observe adds what the fleet has been like since the last change. It is to be called before each.
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

package job

// A Depth is how many messages a queue holds. The queue's counts are
// approximate: on SQS they can trail what happened by a minute.
type Depth struct {
	Visible  int // ready to be received
	InFlight int // received, neither deleted nor visible again
	Delayed  int // sent, but not to be received yet
}

// Total is every message in the queue, whatever its state.
func (d Depth) Total() int { return d.Visible + d.InFlight + d.Delayed }

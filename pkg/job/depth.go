package job

// A Depth is how many messages a queue has. The counts are approximate: on SQS they can be a minute
// old.
type Depth struct {
	Visible  int // ready to be received
	InFlight int // received, neither deleted nor visible again
	Delayed  int // sent, but not yet ready to be received
}

// Total returns the number of all messages in the queue.
func (d Depth) Total() int { return d.Visible + d.InFlight + d.Delayed }

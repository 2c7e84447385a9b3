package simulation

// Kinds of events.
type kind uint8

const (
	jobDone     kind = iota // on a host
	initDone                // of an environment: its own part of a start
	readDone                // of the environment that began to read first
	ramp                    // of a mapping
	booted                  // an instance
	scaling                 // evaluates a scaling policy
	minuteEnd               // of a metric
	jobQueued               // on a [Machine]
	jobReturned             // on a [Machine]
)

// An event concerns the host, environment, instance or job with the number subject. If its version
// differs from its subject's version, the event has been superseded.
type event struct {
	at      float64
	version uint32
	subject int32
	kind    kind
}

// events is a binary heap, earliest first. container/heap would take several times as long because
// of its calls through an interface.
type events []event

func (h *events) push(e event) {
	s := append(*h, e)
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if s[parent].at <= e.at {
			break
		}
		s[i] = s[parent]
		i = parent
	}
	s[i] = e
	*h = s
}

func (h *events) pop() event {
	s := *h
	first, last := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	if len(s) == 0 {
		return first
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= len(s) {
			break
		}
		if child+1 < len(s) && s[child+1].at < s[child].at {
			child++
		}
		if s[child].at >= last.at {
			break
		}
		s[i] = s[child]
		i = child
	}
	s[i] = last
	return first
}

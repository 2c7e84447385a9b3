package queue

import (
	"fmt"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// An UnsentError lists the messages of a SendAll that may not be in the queue.
type UnsentError struct {
	Messages []job.Message // in the order of the call
	Of       int           // messages in the call
	Reason   error         // of the first of them
}

// maxNamed is how many jobs the text of the error names at most, so that it fits into a log line.
const maxNamed = 10

func (e *UnsentError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "send jobs: %d of %d not sent: ", len(e.Messages), e.Of)
	for i, m := range e.Messages {
		if i == maxNamed {
			fmt.Fprintf(&b, " and %d more", len(e.Messages)-maxNamed)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(m.Job))
	}
	fmt.Fprintf(&b, ": %v", e.Reason)
	return b.String()
}

func (e *UnsentError) Unwrap() error { return e.Reason }

func (e *UnsentError) add(reason error, ms ...job.Message) {
	if e.Reason == nil {
		e.Reason = reason
	}
	e.Messages = append(e.Messages, ms...)
}

// errorOrNil returns e, or nil if all messages were sent.
func (e *UnsentError) errorOrNil() error {
	if len(e.Messages) == 0 {
		return nil
	}
	return e
}

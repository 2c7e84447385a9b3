package queue

import (
	"fmt"
	"strings"

	"github.com/atelier-go/atelier/pkg/job"
)

// An UnsentError says which messages of a SendAll may not be in the queue.
type UnsentError struct {
	Messages []job.Message // in the order in which they were to be sent
	Of       int           // messages in the call
	Reason   error         // why the first of them was not sent
}

// named is how many jobs the text of the error names: a log line must stay one.
const named = 10

func (e *UnsentError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "send jobs: %d of %d not sent: ", len(e.Messages), e.Of)
	for i, m := range e.Messages {
		if i == named {
			fmt.Fprintf(&b, " and %d more", len(e.Messages)-named)
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

// orNil is e, or no error where everything was sent.
func (e *UnsentError) orNil() error {
	if len(e.Messages) == 0 {
		return nil
	}
	return e
}

package worker

import (
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An Outcome says how an attempt at a run ended.
type Outcome string

// The outcomes. Only Succeeded and Failed end the run.
const (
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	GivenBack Outcome = "given_back" // the job is queued again
	Lost      Outcome = "lost"       // another worker has the job, or the run was ended by others
	Stuck     Outcome = "stuck"      // the engine does not end, so the process does
)

// Outcomes lists all outcomes.
var Outcomes = []Outcome{Succeeded, Failed, GivenBack, Lost, Stuck}

// A Report describes an attempt that has ended, for metrics.
type Report struct {
	Message job.Message
	Number  int // of the attempt, from 1; 0 if none was begun, because all of the run's attempts are used up
	Outcome Outcome
	Code    string // of a run that failed
	Took    time.Duration
	Read    time.Duration // of the submitted pictures, from the shared directory; part of the receipt's DecodeMS
	Write   time.Duration // of the outcome with the picture
	// Receipt has the times that were measured until the attempt ended; the others are 0.
	Receipt job.Receipt
}

package worker

import (
	"time"

	"github.com/atelier-go/atelier/pkg/job"
)

// An Outcome is how an attempt at a run ended.
type Outcome string

// The outcomes. After the first two the run has ended.
const (
	Succeeded Outcome = "succeeded"
	Failed    Outcome = "failed"
	GivenBack Outcome = "given_back" // it will be tried again
	Lost      Outcome = "lost"       // another worker has the job, or somebody has ended it
	Stuck     Outcome = "stuck"      // the engine hangs, and the process ends
)

// Outcomes are all of them.
var Outcomes = []Outcome{Succeeded, Failed, GivenBack, Lost, Stuck}

// An Attempt is an attempt at a run that has ended, for metrics.
type Attempt struct {
	Message job.Message
	Number  int // 1 for the first attempt at the run; 0 where none was begun, since all are used up
	Outcome Outcome
	Code    string // of a run that failed
	Took    time.Duration
	Read    time.Duration // the submitted pictures, from the shared directory; part of the receipt's DecodeMS
	Write   time.Duration // the outcome, the picture with it
	// Receipt has what was measured up to the end of the attempt; other times are 0.
	Receipt job.Receipt
}

package job

import "slices"

// A State is where a job stands. DESIGN.md draws the diagram; [State.Next] is it.
type State string

// The states of a job.
const (
	Queued    State = "queued"    // waiting for a worker
	Running   State = "running"   // a worker holds its lease
	Succeeded State = "succeeded" // there is a result
	Failed    State = "failed"    // given up, with a reason
	Canceled  State = "canceled"  // ended on request
	Expired   State = "expired"   // its files are gone, the retention is over
)

// next lists where each state may go. A job leaves a finished state only by a
// retry, which is a new run, or when its retention ends.
var next = map[State][]State{
	Queued:    {Running, Failed, Canceled},
	Running:   {Queued, Succeeded, Failed, Canceled},
	Succeeded: {Expired},
	Failed:    {Queued, Expired},
	Canceled:  {Queued, Expired},
	Expired:   {},
}

// Valid says whether s is one of the states.
func (s State) Valid() bool { _, ok := next[s]; return ok }

// Finished says whether the current run of a job in s has ended.
func (s State) Finished() bool { return s.Valid() && s != Queued && s != Running }

// Next says whether a job may go from s to t in one step.
func (s State) Next(t State) bool { return slices.Contains(next[s], t) }

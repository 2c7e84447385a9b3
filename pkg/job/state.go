package job

import "slices"

// A State is the state of a job. DESIGN.md has the diagram of the transitions that [State.Next]
// allows.
type State string

// The states of a job.
const (
	Queued    State = "queued"    // waits for a worker
	Running   State = "running"   // a worker has its lease
	Succeeded State = "succeeded" // has a result
	Failed    State = "failed"    // ended without a result, with a reason
	Canceled  State = "canceled"  // ended by its owner
	Expired   State = "expired"   // its files are removed, because the retention is over
)

// next lists the states that may follow each state. A job leaves a finished state only by a retry,
// which begins a new run, or when its retention ends.
var next = map[State][]State{
	Queued:    {Running, Failed, Canceled},
	Running:   {Queued, Succeeded, Failed, Canceled},
	Succeeded: {Expired},
	Failed:    {Queued, Expired},
	Canceled:  {Queued, Expired},
	Expired:   {},
}

// Valid reports whether s is one of the states.
func (s State) Valid() bool { _, ok := next[s]; return ok }

// Finished reports whether the current run of a job in state s has ended.
func (s State) Finished() bool { return s.Valid() && s != Queued && s != Running }

// Next reports whether a job may change from s to t in one step.
func (s State) Next(t State) bool { return slices.Contains(next[s], t) }

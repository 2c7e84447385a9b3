package simulation

// synchronous is a function that is invoked once for each arriving request.
type synchronous struct {
	*environments
}

// Synchronous simulates a function behind an HTTP API that does the job while the client waits.
// Requests beyond the function's concurrency are rejected, as with status 429.
func Synchronous(l Load, f Function) (Result, error) {
	if err := f.validate(); err != nil {
		return Result{}, err
	}
	c, err := newCore(l)
	if err != nil {
		return Result{}, err
	}
	return c.run(synchronous{newEnvironments(c, f)}, 0), nil
}

func (s synchronous) arrive(job int) {
	s.waiting++
	if s.busy == s.f.Concurrency {
		j := &s.jobs[job]
		j.Taken, j.Begun, j.Finished, j.Rejected = j.Arrival, j.Arrival, j.Arrival, true
		s.usage.Rejected++
		s.unfinished--
		return
	}
	s.invoke(job, job+1)
}

// Package simulation is a discrete-event model of the compared kinds of compute: functions behind a
// queue, functions called synchronously, and instances that receive jobs from a queue; and of a
// whole system on one machine ([Local]). It returns the times of every job, and the use of each
// system in the quantities that a cost model needs.
//
// The model includes: a first-in-first-out queue; an event source mapping that adds invocations as
// documented; environments that are started when none is idle, reused newest first, kept for some
// time when idle and replaced after some hours; cold starts whose reads share a file system's
// throughput; workers that run several jobs at once on shared processors; instances that boot, and
// are launched and ended by a policy on metrics of whole minutes.
//
// It does not include: failures and redeliveries, spot interruptions, throttled messages that
// return after their visibility timeout, requests that managed instances reject while they scale
// (here they wait), starts that exceed Lambda's limit of 10 s and are repeated, availability zones,
// and differences between placements. Queues of SQS are not strictly in order either. [Parameters]
// lists which values AWS documents and which are assumed.
//
// All times are seconds. A run depends only on its parameters and its seed. The work of jobs is
// drawn in order of arrival from a separate random stream, so that different systems with the same
// seed and distribution get the same jobs. The functions of this package may be called
// concurrently.
package simulation

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sort"
)

// A Load is the input of a simulated system.
type Load struct {
	Arrivals []float64    // seconds from the beginning, sorted, zero or more
	Work     Distribution // seconds of a job's work with a processor of its own
	Duration float64      // minimum seconds for which the system runs and is billed, even without jobs
	Seed     uint64
}

// A Job has the times of one job. Its wait in the queue is Taken - Arrival, its latency is Finished
// - Arrival.
type Job struct {
	Arrival  float64 // submission
	Taken    float64 // received from the queue, or request accepted by a function
	Begun    float64 // begin of the work: after Taken if the environment has to start first
	Finished float64
	Work     float64 // seconds of work with a processor of its own; Finished-Begun or less
	Worker   int32   // number of the environment or instance that worked on it, in order of their creation
	Cold     bool    // its invocation started an environment
	Rejected bool    // a synchronous request beyond the allowed concurrency; its other times equal Arrival
}

// Usage is the use of resources by a system. Fields that do not apply to a kind of compute are
// zero.
type Usage struct {
	Seconds       float64 // simulated: the load's duration or, if that is later, until the last job finished
	Jobs          int     // finished
	Rejected      int
	Invocations   int
	ColdStarts    int
	Receives      int     // receive calls that returned messages
	EmptyReceives float64 // receive calls, each of 20 s, that returned none
	BusySeconds   float64 // sum over jobs of Finished - Begun
	// ProcessorSeconds is the use of processors by all parts of a [Machine].
	ProcessorSeconds float64
	BilledSeconds    float64 // of functions, with InitSeconds; each invocation in whole milliseconds
	InitSeconds      float64 // of environments' starts, as far as billed
	ColdReadBytes    float64 // read from the file system by environments that start

	EnvironmentSeconds float64 // for which environments existed: starting, busy or idle
	InstanceSeconds    float64 // for which instances are billed: from launch to end, at least 60 s each
	Launches           int     // of instances
	Peak               int     // maximum of busy environments, or of instances in service
}

// A Result is the outcome of a simulated run. Jobs are in order of arrival.
type Result struct {
	Jobs  []Job
	Usage Usage
}

// Latencies returns the latencies of the finished jobs, in order of arrival.
func (r Result) Latencies() []float64 {
	latencies := make([]float64, 0, r.Usage.Jobs)
	for _, j := range r.Jobs {
		if !j.Rejected {
			latencies = append(latencies, j.Finished-j.Arrival)
		}
	}
	return latencies
}

// maxDuration is the maximum simulated time: ten years.
const maxDuration = 10 * 365.25 * 86400

// A system handles its events in order of time.
type system interface {
	arrive(job int)
	handle(e event)
	end(at float64) // accounts for environments and instances that still exist
}

// core is the state that all systems have.
type core struct {
	now        float64
	events     events
	jobs       []Job
	unfinished int // unfinished jobs of the load, including those that have not arrived yet
	waiting    int // first job in the queue, which holds jobs[waiting:arrived]
	arrived    int
	duration   float64
	last       float64    // when the last job finished
	random     *rand.Rand // for everything except the jobs' work
	usage      Usage
}

func newCore(l Load) (*core, error) {
	switch {
	case l.Work == nil:
		return nil, fmt.Errorf("a load needs a distribution of work")
	case !(l.Duration >= 0 && l.Duration <= maxDuration):
		return nil, fmt.Errorf("a load must last between 0 and %.0f s, not %g", float64(maxDuration), l.Duration)
	case !sort.Float64sAreSorted(l.Arrivals):
		return nil, fmt.Errorf("the load's arrivals are not sorted")
	}
	c := &core{
		jobs: make([]Job, len(l.Arrivals)), unfinished: len(l.Arrivals), duration: l.Duration,
		random: rand.New(rand.NewPCG(l.Seed, 2)),
	}
	work := rand.New(rand.NewPCG(l.Seed, 1))
	for i, at := range l.Arrivals {
		if !(at >= 0 && at <= maxDuration) {
			return nil, fmt.Errorf("arrival %g of job %d is not between 0 and %.0f s", at, i, float64(maxDuration))
		}
		c.jobs[i] = Job{Arrival: at, Work: l.Work(work)}
		if w := c.jobs[i].Work; !(w >= 0) || math.IsInf(w, 0) {
			return nil, fmt.Errorf("the work of job %d is %g s", i, w)
		}
	}
	return c, nil
}

// run simulates s until every job is finished and the duration is over. Each job reaches the system
// transit seconds after its submission. Events at the time of an arrival are handled before the
// arrival.
func (c *core) run(s system, transit float64) Result {
	for c.arrived < len(c.jobs) || len(c.events) > 0 {
		if c.arrived < len(c.jobs) {
			if at := c.jobs[c.arrived].Arrival + transit; len(c.events) == 0 || at < c.events[0].at {
				c.now = at
				c.arrived++
				s.arrive(c.arrived - 1)
				continue
			}
		}
		if c.unfinished == 0 && c.events[0].at > c.duration {
			break // the policies of instances would continue without end
		}
		e := c.events.pop()
		c.now = e.at
		s.handle(e)
	}
	c.usage.Seconds = max(c.duration, c.last)
	s.end(c.usage.Seconds)
	return Result{Jobs: c.jobs, Usage: c.usage}
}

// finished records that the work on a job has ended.
func (c *core) finished(job int) {
	j := &c.jobs[job]
	j.Finished = c.now
	c.usage.Jobs++
	c.usage.BusySeconds += j.Finished - j.Begun
	c.last = c.now
	c.unfinished--
}

func (c *core) backlog() int { return c.arrived - c.waiting }

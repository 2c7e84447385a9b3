// Package plan chooses the compute for a given load: the kind, engine, and memory or instance type that
// meet a latency at the lowest bill. A plan has its costs a month, how long a picture takes, and how it
// is deployed.
//
// Service times, which are those of a worker alone, are measured. With them, latencies, cold starts and hours of instances are
// simulated for a representative part of the month, and bills are computed from both. Values that
// are neither measured nor documented are listed in a plan's assumptions.
//
// Intervals include what is not known: the keep-alive of idle environments, the speed of AWS's
// processors relative to the measured ones (for functions and for instances independently), and, if
// there are runs, the differences between them, resampled jointly for all candidates.
package plan

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// A Request is the input of a plan. [Make] checks it.
type Request struct {
	Load   Load
	Size   int     // pixels, of both sides of each picture
	P95    float64 // required 95th percentile of the seconds from submission to result
	Prices *prices.Table
	Times  Times
	Seed   uint64
	// Progress, if not nil, is called from time to time with the number of finished simulations and
	// the number of all known so far; never concurrently.
	Progress func(done, all int)
}

// A Plan is the result of a request. Its JSON is stable.
type Plan struct {
	Request     Asked        `json:"request"`
	Prices      Priced       `json:"prices"`
	Times       Source       `json:"service_times"`
	Simulated   Part         `json:"simulated"`
	Choice      Choice       `json:"choice"`
	Candidates  []Candidate  `json:"candidates"` // by cost; those that miss the latency are last
	Assumptions []Assumption `json:"assumptions"`
}

// Asked repeats the request.
type Asked struct {
	Load       string  `json:"load"`
	JobsPerDay float64 `json:"jobs_per_day"`
	Size       int     `json:"size_px"`
	P95        float64 `json:"p95_s"`
}

// Priced names the prices that were used.
type Priced struct {
	Region string `json:"region"`
	Date   string `json:"date"` // of the last review
}

// Part is the simulated part of a month.
type Part struct {
	Days float64 `json:"days"`
	Jobs int     `json:"jobs"`
	Note string  `json:"note"`
}

// A Bound is a figure with its interval.
type Bound struct {
	Estimate float64 `json:"estimate"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
}

// Meets is whether a candidate is fast enough.
type Meets string

// A candidate is fast enough if its whole interval meets the latency, uncertain if only its estimate
// does, and otherwise too slow.
const (
	Yes       Meets = "yes"
	Uncertain Meets = "uncertain"
	No        Meets = "no"
)

// A Candidate is one kind of compute in one size.
type Candidate struct {
	Name         string  `json:"name"`
	Kind         Kind    `json:"kind"`
	Engine       string  `json:"engine"`
	MemoryMB     int     `json:"memory_mb,omitempty"`
	InstanceType string  `json:"instance_type,omitempty"`
	AtOnce       int     `json:"at_once"` // maximum number of environments or instances
	Hypothetical bool    `json:"hypothetical,omitempty"`
	Meets        Meets   `json:"meets_p95"`
	USD          Bound   `json:"usd_a_month"`
	Fixed        float64 `json:"usd_fixed"`
	ByUse        float64 `json:"usd_by_use"`
	Compute      float64 `json:"usd_compute"` // of the bill
	P50          Bound   `json:"p50_s"`
	Latency      Bound   `json:"p95_s"`
	ColdShare    float64 `json:"cold_share"`     // of pictures
	Busy         float64 `json:"busy,omitempty"` // share of the paid instances' processors
	Command      string  `json:"command"`        // deploys it; "" if no command does
	Note         string  `json:"note,omitempty"` // further facts for the reader
	CostBasis    string  `json:"cost_basis"`     // the weakest basis of the bill's quantities
	TimesBasis   string  `json:"latency_basis"`  // always simulated
}

// A Choice is the recommendation of a plan.
type Choice struct {
	Best       string   `json:"best"` // a candidate's name; "" if none is fast enough
	NextBest   string   `json:"next_best"`
	Deployable string   `json:"deployable"` // the cheapest candidate that a command deploys
	Why        string   `json:"why"`
	TooClose   []string `json:"too_close_to_call"` // candidates that may cost less than the best
}

// An Assumption is a value of a plan that was not measured.
type Assumption struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Source string  `json:"source"`
}

// Make makes a plan. If the request is not valid or can't be met, the error is an *[InputError].
func Make(ctx context.Context, r Request) (*Plan, error) {
	if err := r.validate(); err != nil {
		return nil, err
	}
	sampled, part, err := r.Load.sample(r.Seed)
	if err != nil {
		return nil, err
	}
	e := &evaluation{request: r, load: sampled, month: assumptions.Month(sampled.perDay*cost.Seconds/day, r.Size, sampled.active())}
	studies := candidates(r.Times)
	if err := e.all(ctx, studies); err != nil {
		return nil, err
	}
	choice, err := e.choose(studies)
	if err != nil {
		return nil, err
	}
	p := &Plan{
		Request:   Asked{Load: r.Load.String(), JobsPerDay: sampled.perDay, Size: r.Size, P95: r.P95},
		Prices:    Priced{Region: r.Prices.Region, Date: r.Prices.Date},
		Times:     r.Times.Source,
		Simulated: part, Choice: choice, Assumptions: assumed(r.Times),
	}
	for _, s := range studies {
		p.Candidates = append(p.Candidates, s.Candidate)
	}
	return p, nil
}

// An InputError is a request that is not valid or can't be met; its text says what to change.
type InputError struct{ Reason string }

func (e *InputError) Error() string { return e.Reason }

func invalid(format string, values ...any) error { return &InputError{fmt.Sprintf(format, values...)} }

func (r Request) validate() error {
	switch {
	case !(r.P95 > 0) || r.P95 > 86400:
		return invalid("a p95 of %g s: use a latency above zero and up to 24h", r.P95)
	case r.Prices == nil:
		return invalid("there are no prices: name a region, one of %v", prices.Regions())
	case len(r.Times.of) == 0:
		return invalid("there are no service times for pictures of %d px", r.Size)
	case r.Times.Size != r.Size:
		return invalid("the service times are for pictures of %d px, not of %d px", r.Times.Size, r.Size)
	}
	return nil
}

// sorted orders the candidates: first those that are fast enough, then by cost (to a cent), then by
// latency.
func sorted(studies []*study) {
	rank := map[Meets]int{Yes: 0, Uncertain: 1, No: 2}
	slices.SortStableFunc(studies, func(a, b *study) int {
		if d := rank[a.Meets] - rank[b.Meets]; d != 0 {
			return d
		}
		return cmp.Or(cmp.Compare(math.Round(a.USD.Estimate*100), math.Round(b.USD.Estimate*100)), cmp.Compare(a.Latency.Estimate, b.Latency.Estimate))
	})
}

// Package plan chooses the compute for one's own load: which kind, engine, memory or
// instance type meets a latency at the lowest bill, what it costs a month, how long a
// picture takes, and how it is deployed.
//
// Service times are measured; latencies, cold starts and hours of instances are
// simulated with them for a representative part of the month; bills are priced from
// both. What neither is measured nor documented is listed in a plan's assumptions.
//
// Intervals hold what is not known: the keep-alive of idle environments, the speed of
// AWS's processors in relation to the measured ones (for functions and for instances
// each on its own), and, where there are runs, the differences between them, resampled
// jointly for all candidates.
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

// A Request is what is asked. [Make] checks it.
type Request struct {
	Load   Load
	Size   int     // pixels, of both sides of each picture
	P95    float64 // seconds from submission, that 95% of pictures are to be finished within
	Prices *prices.Table
	Times  Times
	Seed   uint64
	// Progress is called from time to time with the simulations that are done and all that
	// are known of, if it is not nil; never concurrently.
	Progress func(done, all int)
}

// A Plan is what follows from a request. Its JSON is stable.
type Plan struct {
	Request     Asked        `json:"request"`
	Prices      Priced       `json:"prices"`
	Times       Source       `json:"service_times"`
	Simulated   Part         `json:"simulated"`
	Choice      Choice       `json:"choice"`
	Candidates  []Candidate  `json:"candidates"` // by cost, those that miss the latency last
	Assumptions []Assumption `json:"assumptions"`
}

// Asked repeats the request.
type Asked struct {
	Load       string  `json:"load"`
	JobsPerDay float64 `json:"jobs_per_day"`
	Size       int     `json:"size_px"`
	P95        float64 `json:"p95_s"`
}

// Priced says which prices count.
type Priced struct {
	Region string `json:"region"`
	Date   string `json:"date"` // of the last review
}

// Part is the part of a month that is simulated.
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

// Meets says whether a candidate is fast enough.
type Meets string

// A candidate meets the latency with its whole interval, with a part of it, or misses it.
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
	AtOnce       int     `json:"at_once"` // environments or instances at most
	Hypothetical bool    `json:"hypothetical,omitempty"`
	Meets        Meets   `json:"meets_p95"`
	USD          Bound   `json:"usd_a_month"`
	Fixed        float64 `json:"usd_fixed"`
	ByUse        float64 `json:"usd_by_use"`
	Compute      float64 `json:"usd_compute"` // of what paints alone
	P50          Bound   `json:"p50_s"`
	Latency      Bound   `json:"p95_s"`
	ColdShare    float64 `json:"cold_share"`     // of pictures
	Busy         float64 `json:"busy,omitempty"` // share of the paid instances' processors
	Command      string  `json:"command"`        // that deploys it; "" where none does
	Note         string  `json:"note,omitempty"` // what has to be known beside
	CostBasis    string  `json:"cost_basis"`     // the weakest of the bill's quantities
	TimesBasis   string  `json:"latency_basis"`  // simulated, always
}

// A Choice is what a plan comes to.
type Choice struct {
	Best       string   `json:"best"` // a candidate's name; "" where none is fast enough
	NextBest   string   `json:"next_best"`
	Deployable string   `json:"deployable"` // the cheapest one that a command deploys
	Why        string   `json:"why"`
	TooClose   []string `json:"too_close_to_call"` // candidates that may cost less than the best
}

// An Assumption is what a plan rests on and nobody measured here.
type Assumption struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Unit   string  `json:"unit"`
	Source string  `json:"source"`
}

// Make makes a plan. Where the request can't be met as it is, the error is an *[InputError].
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

// An InputError is a request that can't be met; its sentence says what to change.
type InputError struct{ Reason string }

func (e *InputError) Error() string { return e.Reason }

func invalid(format string, values ...any) error { return &InputError{fmt.Sprintf(format, values...)} }

func (r Request) validate() error {
	switch {
	case !(r.P95 > 0) || r.P95 > 86400:
		return invalid("a p95 of %g s: give the latency that is asked for, above zero and up to 24h", r.P95)
	case r.Prices == nil:
		return invalid("there are no prices: name a region, one of %v", prices.Regions())
	case len(r.Times.of) == 0:
		return invalid("there are no service times for pictures of %d px", r.Size)
	case r.Times.Size != r.Size:
		return invalid("the service times are of pictures of %d px, and not of %d px", r.Times.Size, r.Size)
	}
	return nil
}

// sorted puts the candidates that are fast enough first, and what costs less, to a cent, or else
// is faster, before the others.
func sorted(studies []*study) {
	rank := map[Meets]int{Yes: 0, Uncertain: 1, No: 2}
	slices.SortStableFunc(studies, func(a, b *study) int {
		if d := rank[a.Meets] - rank[b.Meets]; d != 0 {
			return d
		}
		return cmp.Or(cmp.Compare(math.Round(a.USD.Estimate*100), math.Round(b.USD.Estimate*100)), cmp.Compare(a.Latency.Estimate, b.Latency.Estimate))
	})
}

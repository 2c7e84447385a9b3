package plan

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// A scenario is a set of assumptions about AWS. For yield, which functions don't have, see
// [assumptions.Yields].
type scenario struct{ keepAlive, slowness, yield float64 }

// base is the scenario of the estimates.
var base = scenario{keepAlive: assumptions.KeepAlive, slowness: 1, yield: 1}

// scenarios returns the scenarios of a kind: instances have no keep-alive, but a yield of two jobs
// at once.
func (k Kind) scenarios() (all []scenario) {
	if k != Function {
		for _, yield := range assumptions.Yields() {
			if yield != base.yield {
				all = append(all, scenario{base.keepAlive, base.slowness, yield})
			}
		}
	}
	for _, slowness := range simulation.SpeedRatios() {
		if k != Function {
			all = append(all, scenario{base.keepAlive, slowness, base.yield})
			continue
		}
		for _, keepAlive := range simulation.KeepAlives() {
			all = append(all, scenario{keepAlive, slowness, base.yield})
		}
	}
	return all
}

// slowest returns the scenarios by which a candidate's size is chosen: those with the slowest
// processors and the lowest yield.
func (k Kind) slowest() []scenario {
	s := base
	for _, r := range simulation.SpeedRatios() {
		s.slowness = max(s.slowness, r)
	}
	if k == Function {
		return []scenario{s}
	}
	y := base
	y.yield = slices.Min(assumptions.Yields())
	return []scenario{s, y}
}

// An outcome is one simulation with its bill.
type outcome struct {
	usd, p50, p95   float64 // dollars a month, seconds
	coldShare, busy float64 // of pictures, and of the processors of paid instances; 0 to 1
	keepsUp         bool    // jobs are finished as fast as they arrive
	bill            cost.Bill
}

// An evaluation simulates and prices candidates under one load.
type evaluation struct {
	request Request
	load    sampled
	month   cost.Month

	mutex     sync.Mutex
	done, sum int
}

// all evaluates every candidate, as many at once as there are processors, and sorts them.
func (e *evaluation) all(ctx context.Context, studies []*study) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range studies {
		e.sum += len(s.Kind.scenarios()) + s.resampled()
	}
	for _, s := range studies {
		group.Go(func() error { return e.study(ctx, s) })
	}
	if err := group.Wait(); err != nil {
		return err
	}
	sorted(studies)
	return nil
}

// resampled returns the number of runs from which intervals are computed; 0 with fewer than two.
func (s *study) resampled() int {
	if n := len(s.service.warm); n > 1 {
		return n
	}
	return 0
}

func (e *evaluation) study(ctx context.Context, s *study) error {
	if err := e.size(ctx, s); err != nil {
		return err
	}
	for _, sc := range s.Kind.scenarios() {
		if _, done := s.outcomes[sc]; done {
			continue
		}
		o, err := e.simulated(ctx, s, s.service, sc)
		if err != nil {
			return err
		}
		s.outcomes[sc] = o
	}
	for i := range s.resampled() {
		one := service{warm: s.service.warm[i : i+1], start: s.service.start[i : i+1]}
		o, err := e.simulated(ctx, s, one, base)
		if err != nil {
			return err
		}
		s.runs = append(s.runs, o)
	}
	return e.summarise(s)
}

// size chooses the maximum number of environments or instances: the fewest that meet the latency in
// the slowest scenarios, else the fewest that keep up, else the most. It stores the outcomes for
// that number.
func (e *evaluation) size(ctx context.Context, s *study) error {
	fallback := 0
	s.outcomes = map[scenario]outcome{}
	need := float64(len(e.load.times)) / e.load.duration * statistics.Mean(pooled(s.service.warm)) / float64(s.processors)
	for _, n := range s.sizes() {
		s.AtOnce = n
		if float64(n) < need {
			continue // the simulation would not end
		}
		keepsUp, meets := true, true
		clear(s.outcomes)
		for _, sc := range s.Kind.slowest() {
			o, err := e.simulated(ctx, s, s.service, sc)
			if err != nil {
				return err
			}
			s.outcomes[sc] = o
			keepsUp = keepsUp && o.keepsUp
			if meets = meets && o.keepsUp && o.p95 <= e.request.P95; !keepsUp {
				break
			}
		}
		if meets {
			return nil
		}
		if keepsUp && fallback == 0 {
			fallback = n
		}
		if s.hopeless(e.request.P95) {
			break
		}
	}
	if fallback > 0 && fallback != s.AtOnce {
		s.AtOnce = fallback
		clear(s.outcomes)
	}
	return nil
}

// hopeless returns whether even a candidate that is never busy is too slow.
func (s *study) hopeless(p95 float64) bool {
	return s.Kind.slowest()[0].slowness*statistics.Mean(pooled(s.service.warm)) > p95
}

func (e *evaluation) simulated(ctx context.Context, s *study, times service, sc scenario) (outcome, error) {
	if err := ctx.Err(); err != nil {
		return outcome{}, err
	}
	warm, err := simulation.Empirical(pooled(times.warm))
	if err != nil {
		return outcome{}, err
	}
	start, err := simulation.Empirical(pooled(times.start))
	if err != nil {
		return outcome{}, err
	}
	store := assumptions.StoreSeconds
	if s.Kind == OneMachine {
		store = 0 // its own disk, as measured
	}
	work := func(random *rand.Rand) float64 { return warm(random)*sc.slowness + store }
	l := simulation.Load{Arrivals: e.load.times, Work: work, Duration: e.load.duration, Seed: e.request.Seed}
	var r simulation.Result
	if s.Kind == Function {
		r, err = simulation.Queued(l, assumptions.Function(simulation.Scaled(start, sc.slowness), s.reads, sc.keepAlive), assumptions.Mapping(s.AtOnce))
	} else {
		r, err = simulation.Fleet(l, s.fleet(assumptions.YieldOf(sc.yield, sc.slowness*statistics.Mean(pooled(times.warm)), store)))
	}
	if err != nil {
		return outcome{}, fmt.Errorf("simulating %s: %w", s.Name, err)
	}
	e.progress()
	return e.priced(s, r)
}

// fleet returns the parameters of a candidate's instances.
func (s *study) fleet(yield float64) simulation.Instances {
	i := assumptions.Instances(s.processors, s.AtOnce, s.AtOnce, yield)
	switch s.Kind {
	case FromZero:
		i.Minimum = 0
	case Managed:
		i.Minimum, i.Policy = simulation.ManagedInstances, simulation.BusySharePolicy(assumptions.ManagedShare)
	}
	return i
}

func (e *evaluation) progress() {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.done++
	e.sum = max(e.sum, e.done)
	if e.request.Progress != nil {
		e.request.Progress(e.done, e.sum)
	}
}

// priced computes a month's bill from what a simulation used.
func (e *evaluation) priced(s *study, r simulation.Result) (outcome, error) {
	o := outcome{keepsUp: r.Usage.Seconds <= e.load.duration*1.02+600}
	latencies := r.Latencies()
	var err error
	if o.p50, err = statistics.Percentile(latencies, 50); err != nil {
		return o, err
	}
	if o.p95, err = statistics.Percentile(latencies, 95); err != nil {
		return o, err
	}
	o.coldShare = float64(r.Usage.ColdStarts) / float64(max(1, r.Usage.Jobs))
	if r.Usage.InstanceSeconds > 0 {
		o.busy = r.Usage.BusySeconds / (r.Usage.InstanceSeconds * float64(s.processors))
	}
	o.bill, err = s.deployment(r.Usage, e.load.scale(), e.month).Bill(e.request.Prices, e.month)
	if errors.Is(err, prices.ErrUnknown) {
		return o, invalid("the prices of %s lack a price for %s: %v; add it with its source, or plan for one of %v", e.request.Prices.Region, s.Name, err, prices.Regions())
	}
	if err != nil {
		return o, err
	}
	o.usd = o.bill.USD(cost.Whole)
	if math.IsNaN(o.usd) {
		return o, fmt.Errorf("the bill of %s is not a number", s.Name)
	}
	return o, nil
}

// deployment returns a candidate in the form that is billed in month m; scale is the number of
// simulated parts in a month.
func (s *study) deployment(u simulation.Usage, scale float64, m cost.Month) cost.Deployment {
	if s.Kind == Function {
		n := float64(max(1, u.Jobs))
		f := cost.Function{
			Basis: cost.Simulated, Architecture: assumptions.Architecture, Memory: float64(s.MemoryMB),
			Warm: (u.BilledSeconds - u.InitSeconds) / n, ColdShare: float64(u.ColdStarts) / n,
			Init: u.InitSeconds / float64(max(1, u.ColdStarts)), ColdCalls: s.reads, IdlePolls: cost.IdlePolls(simulation.MappingInitial),
		}
		return cost.ServerlessMode(f, assumptions.Sweeps())
	}
	hours := u.InstanceSeconds / 3600 * scale
	i := cost.Instances{Basis: cost.Simulated, Type: s.InstanceType, Hours: hours, Disk: assumptions.Disk}
	if u.InstanceSeconds > 0 {
		i.PollsPerHour = u.EmptyReceives / (u.InstanceSeconds / 3600)
	}
	switch s.Kind {
	case OneMachine:
		i.Always, i.Hours = true, cost.Hours
		return cost.OneMachine(i, m)
	case AlwaysOn:
		i.Always, i.Hours = true, cost.Hours*float64(s.AtOnce)
	case Managed:
		managed := cost.Managed{Basis: cost.Assumed, Type: s.InstanceType, Hours: hours, IdlePolls: cost.IdlePolls(simulation.MappingInitial)}
		return cost.ManagedMode(managed, assumptions.Sweeps())
	}
	return cost.EC2Mode(i, assumptions.Sweeps())
}

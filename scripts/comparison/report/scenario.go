package report

import (
	"math"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// A scenario is what bills of functions and instances are made from.
type scenario struct {
	prices       *prices.Table
	size         int
	warm, start  float64 // seconds: billed of a warm picture without waits for files, and what a cold one adds without reads
	memory       float64 // MB
	capacity     capacity
	cold, active *byVolume
	coldCalls    cost.Calls
	fromZero     *byVolume
	discount     float64 // what is paid of the instances' price; 0 is 1, the only one outside of sensitivity
	peak         float64 // the rate that instances have to sustain, over the mean rate
	store, work  float64 // seconds that a picture waits for EFS, and that it computes on an instance
	most         float64 // pictures a second that an instance's processors are enough for
}

// base is the scenario of a worker by its runs, all or those chosen of the function and the instance.
func (w *worker) base(t *prices.Table, function, instance []int) scenario {
	c, all, work := w.capacity(), w.work(nil), w.work(instance)
	c.local *= all / work
	c.shared *= (all + assumptions.StoreSeconds) / (work + assumptions.StoreSeconds)
	return scenario{
		prices: t, size: w.function.variant.Size, warm: w.warm(function), start: w.start(function), memory: float64(w.function.variant.MemoryMB),
		store: assumptions.StoreSeconds, work: work, most: w.most(c.yield) * all / work,
		capacity: c, cold: w.cold, active: w.active, coldCalls: w.coldCalls, fromZero: w.fromZero, peak: w.peak,
	}
}

// waiting is the scenario with a share of the assumed waits for EFS: functions are billed for less, and an instance that
// shares its files sustains more, as its processors allow.
func (s scenario) waiting(share float64) scenario {
	store := share * assumptions.StoreSeconds
	s.capacity.shared = min(s.most, s.capacity.shared*(s.work+s.store)/(s.work+store))
	s.store = store
	return s
}

// month is one with so many pictures. Those that come at random are in as many hours as Poisson arrivals.
func (s scenario) month(n float64) cost.Month {
	active := -cost.Hours * math.Expm1(-n/cost.Hours)
	if s.active != nil {
		active = s.active.at(n)
	}
	return assumptions.Month(n, s.size, active)
}

// functions are those that paint N pictures a month.
func (s scenario) functions(n float64) (cost.Deployment, cost.Month) {
	return cost.ServerlessMode(cost.Function{
		Basis: cost.Assumed, Architecture: assumptions.Architecture, Memory: s.memory, Warm: s.warm + s.store, // the wait is assumed
		ColdShare: s.cold.at(n),
		Init:      s.start + assumptions.ReadSeconds(s.coldCalls), ColdCalls: s.coldCalls, IdlePolls: cost.IdlePolls(simulation.MappingInitial),
	}, assumptions.Sweeps()), s.month(n)
}

// running are the instances that the peak needs, all month, where one sustains so many pictures a second.
func (s scenario) running(n, capacity float64) cost.Instances {
	i := instances(cost.Needed(s.peak*n/cost.Seconds, capacity) * cost.Hours)
	i.Always, i.PriceFactor = true, s.discount
	return i
}

// instances are so many hours of them.
func instances(hours float64) cost.Instances {
	return cost.Instances{Basis: cost.Simulated, Type: assumptions.InstanceType, Hours: hours, Disk: assumptions.Disk, PollsPerHour: assumptions.DaemonPolls}
}

func (s scenario) alwaysOn(n float64) (cost.Deployment, cost.Month) {
	return cost.EC2Mode(s.running(n, s.capacity.shared), assumptions.Sweeps()), s.month(n)
}

func (s scenario) oneMachine(n float64) (cost.Deployment, cost.Month) {
	m := s.month(n)
	return cost.OneMachine(s.running(n, s.capacity.local), m), m
}

// instancesFromZero are launched for the work and ended after it. Where two jobs at once are slower they run longer,
// at most in proportion.
func (s scenario) instancesFromZero(n float64) (cost.Deployment, cost.Month) {
	return cost.EC2Mode(instances(n*s.fromZero.at(n)/s.capacity.yield), assumptions.Sweeps()), s.month(n)
}

// The duties that are looked at.
const lowestDuty, highestDuty = 1e-4, 1.0

// duties are those of a chart, eight a decade. The last is a little less than one, where rounding may
// take a second instance.
func duties() (all []float64) {
	for log := math.Log10(lowestDuty); log < 1e-9; log += 0.125 {
		all = append(all, min(math.Pow(10, log), 0.999*highestDuty))
	}
	return all
}

// savings are those at duties.
func savings(c cost.Comparison, at []float64, scope cost.Scope) ([]float64, error) {
	all := make([]float64, len(at))
	for i, d := range at {
		var err error
		if all[i], err = c.Saving(d, scope); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// quickCrossings are the duties at which the saving is level, to within 0.01%. It is for scenarios and
// resamples, of which there are many: what passes the level and comes back within a 32nd of a
// decade is not found, unlike by [cost.Comparison.Crossings].
func quickCrossings(c cost.Comparison, level float64, scope cost.Scope, low, high float64) (found []float64, err error) {
	above := func(x float64) bool {
		var y float64
		if err == nil {
			y, err = c.Saving(math.Exp(x), scope)
		}
		return y > level
	}
	from, to := math.Log(low), math.Log(high)
	steps := int(math.Ceil((to - from) / math.Ln10 * 32))
	x0 := from
	was := above(x0)
	for i := 1; i <= steps && err == nil; i++ {
		x1 := from + (to-from)*float64(i)/float64(steps)
		is := above(x1)
		if is != was {
			a, b := x0, x1
			for b-a > 1e-4 && err == nil {
				if m := (a + b) / 2; above(m) == was {
					a = m
				} else {
					b = m
				}
			}
			found = append(found, math.Exp((a+b)/2))
		}
		x0, was = x1, is
	}
	return found, err
}

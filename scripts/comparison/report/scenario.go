package report

import (
	"math"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// A scenario has the values from which bills of functions and instances are computed.
type scenario struct {
	prices       *prices.Table
	size         int
	warm, start  float64 // seconds: billed for a warm picture without waits for files, and added by a cold one without reads
	memory       float64 // MB
	capacity     capacity
	cold, active *byVolume
	coldCalls    cost.Calls
	fromZero     *byVolume
	discount     float64 // the share of the instances' price that is paid; 0 means 1, as everywhere but in sensitivity
	peak         float64 // the rate that instances have to sustain, over the mean rate
	store, work  float64 // seconds that a picture waits for EFS, and that it computes on an instance
	most         float64 // pictures a second for which an instance's processors suffice
}

// base returns the scenario of a worker, computed from the chosen runs of the function and the
// instance; nil means all runs.
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

// waiting returns the scenario with a share of the assumed waits for EFS: functions are billed for
// less, and an instance on the shared file system sustains more, as far as its processors allow.
func (s scenario) waiting(share float64) scenario {
	store := share * assumptions.StoreSeconds
	s.capacity.shared = min(s.most, s.capacity.shared*(s.work+s.store)/(s.work+store))
	s.store = store
	return s
}

// month returns a month with n pictures. If they arrive at random, the hours with jobs are those of
// Poisson arrivals.
func (s scenario) month(n float64) cost.Month {
	active := -cost.Hours * math.Expm1(-n/cost.Hours)
	if s.active != nil {
		active = s.active.at(n)
	}
	return assumptions.Month(n, s.size, active)
}

// functions returns the functions that paint n pictures a month.
func (s scenario) functions(n float64) (cost.Deployment, cost.Month) {
	return cost.ServerlessMode(cost.Function{
		Basis: cost.Assumed, Architecture: assumptions.Architecture, Memory: s.memory, Warm: s.warm + s.store, // the wait is assumed
		ColdShare: s.cold.at(n),
		Init:      s.start + assumptions.ReadSeconds(s.coldCalls), ColdCalls: s.coldCalls, IdlePolls: cost.IdlePolls(simulation.MappingInitial),
	}, assumptions.Sweeps()), s.month(n)
}

// running returns the instances that the peak rate needs, for the whole month, if one sustains
// capacity pictures a second.
func (s scenario) running(n, capacity float64) cost.Instances {
	i := instances(cost.Needed(s.peak*n/cost.Seconds, capacity) * cost.Hours)
	i.Always, i.PriceFactor = true, s.discount
	return i
}

// instances returns instances that run for a number of hours.
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

// instancesFromZero returns instances that are launched for the work and terminated after it. If
// two jobs at once are slower they run longer, at most in proportion.
func (s scenario) instancesFromZero(n float64) (cost.Deployment, cost.Month) {
	return cost.EC2Mode(instances(n*s.fromZero.at(n)/s.capacity.yield), assumptions.Sweeps()), s.month(n)
}

// The range of duties that is examined.
const lowestDuty, highestDuty = 1e-4, 1.0

// duties returns the points of a chart, eight per decade. The last is slightly below one, because
// rounding could require a second instance there.
func duties() (all []float64) {
	for log := math.Log10(lowestDuty); log < 1e-9; log += 0.125 {
		all = append(all, min(math.Pow(10, log), 0.999*highestDuty))
	}
	return all
}

// savings returns the savings at duties.
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

// quickCrossings returns the duties at which the saving equals level, to within 0.01%. It is for
// scenarios and resamples, of which there are many: unlike [cost.Comparison.Crossings] it does not
// find a curve that passes the level and returns within a 32nd of a decade.
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

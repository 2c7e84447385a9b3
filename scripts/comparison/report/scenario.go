package report

import (
	"math"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// A scenario is what bills of functions and instances are made from.
type scenario struct {
	prices            *prices.Table
	warm, start, work float64 // seconds: billed of a warm picture, what a cold one adds, and of one on an instance
	memory            float64 // MB
	capacity          float64 // pictures a second of an instance
	cold              *byVolume
	coldCalls         cost.Calls
	fromZero          *byVolume
	discount          float64 // what is paid of the instances' price; 0 is 1, the only one outside of sensitivity
	peak              float64 // the rate that instances have to sustain, over the mean rate
}

// base is the scenario of a worker by its runs, all or those chosen of the function and the instance.
func (w *worker) base(t *prices.Table, function, instance []int) scenario {
	work := w.work(instance)
	return scenario{
		prices: t, warm: w.warm(function), start: w.start(function), work: work, memory: float64(w.function.variant.MemoryMB),
		capacity: w.capacity * w.work(nil) / work, cold: w.cold, coldCalls: w.coldCalls, fromZero: w.fromZero, peak: w.peak,
	}
}

func month(pictures float64) cost.Month {
	return cost.Month{Pictures: pictures, Picture: picture, Kept: 1, Active: cost.Hours}
}

// functions are those that paint N pictures a month.
func (s scenario) functions(n float64) (cost.Deployment, cost.Month) {
	return cost.ServerlessMode(cost.Function{
		Basis: cost.Simulated, Architecture: architecture, Memory: s.memory, Warm: s.warm, ColdShare: s.cold.at(n), Init: s.start,
		ColdCalls: s.coldCalls, IdlePolls: cost.IdlePolls(5),
	}, sweeps), month(n)
}

// running are the instances that the peak needs, all month.
func (s scenario) running(n float64) cost.Instances {
	k := cost.Needed(s.peak*n/cost.Seconds, s.capacity)
	return cost.Instances{Basis: cost.Simulated, Type: instanceType, Hours: k * cost.Hours, Always: true, PriceFactor: s.discount, Disk: disk, PollsPerHour: 180}
}

func (s scenario) alwaysOn(n float64) (cost.Deployment, cost.Month) {
	return cost.EC2Mode(s.running(n), sweeps), month(n)
}

func (s scenario) oneMachine(n float64) (cost.Deployment, cost.Month) {
	return withPictures(s.running(n), n), month(n)
}

// instancesFromZero are launched for the work and ended after it.
func (s scenario) instancesFromZero(n float64) (cost.Deployment, cost.Month) {
	return cost.EC2Mode(cost.Instances{Basis: cost.Simulated, Type: instanceType, Hours: n * s.fromZero.at(n), Disk: disk, PollsPerHour: 180}, sweeps), month(n)
}

// withPictures is one machine whose disk has what a file system has elsewhere: a month's pictures.
func withPictures(i cost.Instances, n float64) cost.Deployment {
	i.Disk += n * picture.Stored / (1 << 30) / (i.Hours / cost.Hours)
	return cost.OneMachine(i)
}

// against compares functions with instances of the given shape.
func (s scenario) against(rival func(float64) (cost.Deployment, cost.Month)) cost.Comparison {
	return cost.Comparison{Functions: cost.Over(s.prices, s.functions), Instances: cost.Over(s.prices, rival), Capacity: s.capacity}
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

package cost

import (
	"errors"
	"fmt"
	"math"

	"github.com/atelier-go/atelier/pkg/prices"
)

// Duty is the share of its time that one instance would be at work on so many
// pictures a month, where it sustains capacity pictures a second at the latency that
// is asked for. Above 1 it takes more than one.
func Duty(pictures, capacity float64) float64 { return pictures / (Seconds * capacity) }

// Saving is what of a bill of instances a bill of functions saves: 1 is all of it, a
// negative one is what functions cost more.
func Saving(functions, instances float64) float64 { return 1 - functions/instances }

// Needed are the instances that a peak of so many pictures a second takes: one at the least.
func Needed(peak, capacity float64) float64 { return max(1, math.Ceil(peak/capacity)) }

// Over is the bill of a deployment whose shape depends on the pictures a month, as the
// share of cold starts does and the number of instances, for a [Comparison].
func Over(t *prices.Table, shape func(pictures float64) (Deployment, Month)) func(pictures float64) (Bill, error) {
	return func(pictures float64) (Bill, error) {
		d, m := shape(pictures)
		return d.Bill(t, m)
	}
}

// A Comparison sets functions against instances, over how busy an instance would be.
// Both bills are functions of the pictures a month, since the share of cold starts
// and the number of instances depend on it.
type Comparison struct {
	Functions func(pictures float64) (Bill, error)
	Instances func(pictures float64) (Bill, error)
	Capacity  float64 // pictures a second, of one instance
}

// Saving is [Saving] of a scope's bills at a duty.
func (c Comparison) Saving(duty float64, s Scope) (float64, error) {
	if !(duty > 0) || math.IsInf(duty, 0) || !(c.Capacity > 0) {
		return 0, fmt.Errorf("saving at a duty of %v of an instance with %v pictures a second: both must be above 0", duty, c.Capacity)
	}
	pictures := duty * Seconds * c.Capacity
	f, err := c.Functions(pictures)
	if err != nil {
		return 0, err
	}
	i, err := c.Instances(pictures)
	if err != nil {
		return 0, err
	}
	if i.USD(s) == 0 {
		return 0, errors.New("saving: the instances cost nothing, so nothing can be saved of it")
	}
	return Saving(f.USD(s), i.USD(s)), nil
}

// A Crossing is a duty at which the saving passes a level.
type Crossing struct {
	Duty     float64
	Pictures float64 // a month
	Rising   bool    // the saving is higher at higher duties
	Jump     bool    // it passes the level in a step, as where one more instance is needed
}

// scanned is into how many steps a decade of duty is cut. A saving that passes a level
// and comes back within one step is not found.
const scanned = 400

// Crossings are all duties between lowest and highest at which the saving is level, in
// order: 0 for where functions and instances cost the same, 0.7 for where functions
// save 70%. There may be several, since cold starts bend the low end.
func (c Comparison) Crossings(level float64, s Scope, lowest, highest float64) ([]Crossing, error) {
	if !(lowest > 0) || !(highest > lowest) {
		return nil, fmt.Errorf("crossings between duties of %v and %v: the first must be above 0, and below the second", lowest, highest)
	}
	above := func(log float64) (float64, error) {
		saving, err := c.Saving(math.Exp(log), s)
		return saving - level, err
	}
	from, to := math.Log(lowest), math.Log(highest)
	steps := int(math.Ceil((to-from)/math.Ln10*scanned)) + 1
	var found []Crossing
	x0 := from
	y0, err := above(x0)
	for i := 1; i <= steps && err == nil; i++ {
		x1 := from + (to-from)*float64(i)/float64(steps)
		var y1 float64
		if y1, err = above(x1); err != nil {
			break
		}
		if (y0 < 0) != (y1 < 0) {
			var crossing Crossing
			if crossing, err = bisect(above, x0, y0, x1); err != nil {
				break
			}
			crossing.Pictures = crossing.Duty * Seconds * c.Capacity
			found = append(found, crossing)
		}
		x0, y0 = x1, y1
	}
	return found, err
}

// bisect finds the crossing between x0, where f is y0, and x1, where it is of the other sign.
func bisect(f func(float64) (float64, error), x0, y0, x1 float64) (Crossing, error) {
	y1, err := f(x1)
	for err == nil && x1-x0 > 1e-12 {
		middle := (x0 + x1) / 2
		if middle <= x0 || middle >= x1 {
			break // neighbours in floating point
		}
		var y float64
		if y, err = f(middle); (y < 0) == (y0 < 0) {
			x0, y0 = middle, y
		} else {
			x1, y1 = middle, y
		}
	}
	return Crossing{Duty: math.Exp((x0 + x1) / 2), Rising: y1 > y0, Jump: math.Abs(y1-y0) > 1e-6}, err
}

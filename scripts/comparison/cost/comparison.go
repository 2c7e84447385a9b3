package cost

import (
	"errors"
	"fmt"
	"math"

	"github.com/atelier-go/atelier/pkg/prices"
)

// Duty returns the pictures a month as a share of what one instance sustains, if it sustains
// capacity pictures a second at the required latency. Above 1 more than one instance is needed.
func Duty(pictures, capacity float64) float64 { return pictures / (Seconds * capacity) }

// Saving returns the share of the instances' bill that functions save: 1 is all of it; a negative
// value means that functions cost more.
func Saving(functions, instances float64) float64 { return 1 - functions/instances }

// Needed returns the number of instances for a peak rate in pictures a second: at least one.
func Needed(peak, capacity float64) float64 { return max(1, math.Ceil(peak/capacity)) }

// Over returns the bill of a deployment as a function of the pictures a month, for a [Comparison].
// shape returns the deployment for a number of pictures, because the share of cold starts and the
// number of instances depend on it.
func Over(t *prices.Table, shape func(pictures float64) (Deployment, Month)) func(pictures float64) (Bill, error) {
	return func(pictures float64) (Bill, error) {
		d, m := shape(pictures)
		return d.Bill(t, m)
	}
}

// A Comparison compares functions with instances by duty. Both bills are functions of the pictures
// a month, because the share of cold starts and the number of instances depend on it.
type Comparison struct {
	Functions func(pictures float64) (Bill, error)
	Instances func(pictures float64) (Bill, error)
	Capacity  float64 // pictures a second per instance
}

// Saving returns the [Saving] of a scope's bills at a duty.
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
		return 0, errors.New("saving: the instances cost nothing, so there is nothing to save")
	}
	return Saving(f.USD(s), i.USD(s)), nil
}

// A Crossing is a duty at which the saving crosses a level.
type Crossing struct {
	Duty     float64
	Pictures float64 // a month
	Rising   bool    // the saving is higher at higher duties
	Jump     bool    // it crosses the level in a step, as where one more instance is needed
}

// scanned is the number of steps per decade of duty. A saving that crosses a level and returns
// within one step is not found.
const scanned = 400

// Crossings returns all duties between lowest and highest at which the saving equals level, in
// order. Level 0 is where functions and instances cost the same, 0.7 where functions save 70%.
// There may be several crossings, because cold starts bend the curve at low duties.
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

// bisect finds the crossing between x0, where f is y0, and x1, where f has the opposite sign.
func bisect(f func(float64) (float64, error), x0, y0, x1 float64) (Crossing, error) {
	y1, err := f(x1)
	for err == nil && x1-x0 > 1e-12 {
		middle := (x0 + x1) / 2
		if middle <= x0 || middle >= x1 {
			break // adjacent floating-point numbers
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

package report

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// intermittent is the pictures a day at which engines are compared.
const intermittent = 1000.0

// painted is what a month of functions' compute costs at an intermittent load.
func (w *worker) painted(t *prices.Table) (float64, error) {
	d, m := w.base(t, nil, nil).functions(intermittent * cost.Hours / 24)
	bill, err := d.Bill(t, m)
	return bill.USD(cost.Compute), err
}

// sortWorkers puts the engine first whose functions cost the least at an intermittent load. The workers have
// been simulated.
func sortWorkers(all []worker, t *prices.Table) (err error) {
	painted := func(w worker) (usd float64) {
		if err == nil {
			usd, err = w.painted(t)
		}
		return usd
	}
	slices.SortStableFunc(all, func(a, b worker) int { return cmp.Compare(painted(a), painted(b)) })
	return err
}

// engines says which engine to take in functions, and from which volume on another one.
func engines(workers []worker, t *prices.Table) (string, error) {
	first := &workers[0]
	least, err := first.painted(t)
	if err != nil {
		return "", err
	}
	s := fmt.Sprintf("In functions take %s. At %s pictures a day functions' compute costs %s a month with it (%s)",
		engineName(first.function.variant.Engine), exact(intermittent), usd(least), first.times())
	if len(workers) == 1 {
		return s + ".", nil
	}
	other := &workers[1]
	more, err := other.painted(t)
	if err != nil {
		return "", err
	}
	s += fmt.Sprintf(", and %s with %s (%s)", usd(more), engineName(other.function.variant.Engine), other.times())
	if more < 1.05*least {
		s += ", which is too close to call"
	}
	turns, err := cost.Comparison{
		Functions: cost.Over(t, other.base(t, nil, nil).functions), Instances: cost.Over(t, first.base(t, nil, nil).functions), Capacity: first.capacity,
	}.Crossings(0, cost.Compute, lowestDuty, highestDuty)
	if err != nil || len(turns) == 0 {
		return s + ".", err
	}
	return s + fmt.Sprintf(". %s costs less %s.", engineName(other.function.variant.Engine), where(!turns[0].Rising, turns)), nil
}

// times are a worker's in words.
func (w *worker) times() string {
	s := fmt.Sprintf("a picture is billed %s, a cold start adds %s", seconds(w.warm(nil)), seconds(w.start(nil)))
	if read := w.coldCalls.Reads * w.coldCalls.ReadBytes; read > 0 {
		s += fmt.Sprintf(" and reads %s from the network file system", figure(read/(1<<20))+unit("MiB"))
	}
	return s
}

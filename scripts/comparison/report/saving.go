package report

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// A view is a comparison of functions with an alternative, by the whole bill or by compute only.
type view struct {
	name        string
	scope       cost.Scope
	alternative func(scenario, float64) (cost.Deployment, cost.Month)
	local       bool // the alternative stores jobs on its own disk
}

var views = []view{
	{"compute only, against always-on instances", cost.Compute, scenario.alwaysOn, false},
	{"the whole bill, against always-on instances", cost.Whole, scenario.alwaysOn, false},
	{"the whole bill, against one machine", cost.Whole, scenario.oneMachine, true},
}

// compare returns the comparison of a view in a scenario.
func (v view) compare(s scenario) cost.Comparison {
	alternative := func(n float64) (cost.Deployment, cost.Month) { return v.alternative(s, n) }
	return cost.Comparison{Functions: cost.Over(s.prices, s.functions), Instances: cost.Over(s.prices, alternative), Capacity: v.capacity(s)}
}

// capacity returns the alternative's capacity, in pictures a second per instance.
func (v view) capacity(s scenario) float64 {
	if v.local {
		return s.capacity.local
	}
	return s.capacity.shared
}

// effort is the number of jobs simulated for each point, and the number of resamples; 0 resamples
// means none.
type effort struct{ jobs, resamples int }

// saving returns the section on the saving of functions by duty.
func saving(f *folder, workers []worker, t *prices.Table, e effort) (Section, error) {
	s := Section{ID: "saving", Title: "Saving by duty"}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, nil
	}
	best := &workers[0]
	s.Text = []string{
		fmt.Sprintf("Duty is the number of pictures of a month, divided by the number that one instance of the alternative would paint in that month at its sustained rate. With pictures of %d px and %s, one instance (%s, two jobs at once) sustains %s pictures a second on the shared file system and %s on its own disk, if 95%% of the jobs have to be done within %s. These rates are simulated with the measured times of a worker alone, and limited by the processor time that server and daemon used in their runs; instances on the shared file system have only the daemon, so their limit is slightly too low.",
			best.instance.variant.Size, measurement.EngineName(best.function.variant.Engine), assumptions.InstanceType, figure(best.capacity().shared), figure(best.capacity().local), exact(goal)+unit("s")),
		fmt.Sprintf("Saving is 1 minus the functions' bill divided by the alternative's bill. At the duty d* both cost the same, at d70 functions save 70%%. The table has each duty between %s and %s at which the saving crosses one of these levels.",
			exactPercent(lowestDuty), exactPercent(highestDuty)),
		fmt.Sprintf("Prices are AWS's on-demand prices in %s, reviewed on %s, without free tiers. The function has %d MB of memory, and its times are those of this machine's processors. One machine stores on its disk what the other designs store on the shared file system, and needs no gateway: it is the cheapest alternative, but has neither a second zone nor copies.",
			t.Region, t.Date, best.function.variant.MemoryMB),
		fmt.Sprintf("A function is billed while it waits for the shared file system (EFS), for which %s s per picture are assumed. An instance that uses EFS waits as long; one machine does not wait. With TensorFlow, a cold start also reads engine and neural network from EFS, and is billed for this time, too: how much it reads was measured if there are runs with a shared file system, and is otherwise assumed. With ONNX Runtime, both are in the function's archive.", exact(assumptions.StoreSeconds)),
		"The bands in the chart show the lowest and the highest saving over scenarios of what AWS does not document: functions that take 0.7 to 1.5 times as long as measured, while instances take the measured times; idle environments that are kept for 300 to 1,800 s; waits for EFS that are a quarter to all of the assumed ones; and two jobs at once on an instance that do 0.6 to 1 times the work of two cores, because its two processors are threads of one core.",
	}
	chart, err := best.savingChart("Saving of functions with "+measurement.EngineName(best.function.variant.Engine), views, t)
	if err != nil {
		return s, err
	}
	s.Charts = []Chart{chart}
	crossings := crossingTable()
	for i := range workers {
		for _, v := range views {
			rows, err := workers[i].crossings(f, v, t, e)
			if err != nil {
				return s, err
			}
			crossings.Rows = append(crossings.Rows, rows...)
		}
	}
	s.Tables = []Table{crossings}
	return s, nil
}

// savingChart returns the chart of the saving by duty, with the bands of the scenarios.
func (w *worker) savingChart(title string, views []view, t *prices.Table) (Chart, error) {
	chart := Chart{
		Title:   title + ", by duty",
		Caption: "Above 0% functions cost less than the alternative, below it they cost more. Curves end at −100%, where functions cost twice as much. Bands show the range over the scenarios.", Basis: cost.Assumed,
		X: "Duty: share of what one instance sustains", Y: "Saving of functions", logX: true, percentX: true, percentY: true, yLow: -1, yHigh: 1, markersEvery: 4,
		levels: []level{{0, "costs the same"}, {claimed, "saves 70%"}},
	}
	for _, v := range views {
		series, err := w.band(v, t)
		if err != nil {
			return chart, err
		}
		chart.Series = append(chart.Series, series)
	}
	return chart, nil
}

// claimed is the saving that the project's claim states.
const claimed = 0.7

const missingWorker = "This needs runs of a worker alone with cold and warm pictures, both with a function's share of the processors and on the whole machine, with the same engine and size: run scripts/compare --only 'service-*-512px-*' --out DIR as root."

// variations returns the scenarios: all combinations of processor speed, keep-alive, the yield of
// two jobs at once on an instance, and waits for EFS.
func (w *worker) variations(t *prices.Table) (all []scenario) {
	for _, cold := range w.keepAlives {
		for _, ratio := range simulation.SpeedRatios() {
			for _, c := range w.capacities {
				s := w.base(t, nil, nil)
				s.cold, s.warm, s.start, s.capacity, s.most = cold, s.warm*ratio, s.start*ratio, c, w.most(c.yield)
				for _, share := range assumptions.StoreShares() {
					all = append(all, s.waiting(share))
				}
			}
		}
	}
	return all
}

// band returns the saving of a view by duty, with the range over the scenarios.
func (w *worker) band(v view, t *prices.Table) (Series, error) {
	series := Series{Name: v.name, X: duties()}
	var err error
	if series.Y, err = savings(v.compare(w.base(t, nil, nil)), series.X, v.scope); err != nil {
		return series, err
	}
	series.Low, series.High = append([]float64{}, series.Y...), append([]float64{}, series.Y...)
	for _, s := range w.variations(t) {
		y, err := savings(v.compare(s), series.X, v.scope)
		if err != nil {
			return series, err
		}
		for i := range y {
			series.Low[i], series.High[i] = min(series.Low[i], y[i]), max(series.High[i], y[i])
		}
	}
	return series, nil
}

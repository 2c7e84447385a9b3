package report

import (
	"fmt"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
)

// A view is a comparison of functions with an alternative, by part of the bill.
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
	s := Section{ID: "saving", Title: "Saving against duty"}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, nil
	}
	best := &workers[0]
	s.Text = []string{
		fmt.Sprintf("Duty is the number of pictures a month as a share of what one instance (%s, two processors, two jobs at once) sustains. For pictures of %d px and a 95th percentile of %s, the simulation and the processor time that server and daemon used in their runs give %s pictures a second with %s, or %s if its jobs are on its own disk instead of EFS. Saving is the part of the instances' bill that functions save. At d* both cost the same, at d70 functions save 70%%; all crossings between a duty of %s and %s are listed.",
			assumptions.InstanceType, best.instance.variant.Size, exact(goal)+" s", figure(best.capacity().shared), measurement.EngineName(best.function.variant.Engine), figure(best.capacity().local), exactPercent(lowestDuty), exactPercent(highestDuty)),
		fmt.Sprintf("On-demand prices of %s, %s, without free tiers. A function of %d MB on this machine's processors. One machine has server, daemon and jobs on one instance, stores on its disk what the others store on the shared file system, and needs no gateway: it is the cheapest alternative, but has neither a second zone nor copies.",
			t.Region, t.Date, best.function.variant.MemoryMB),
		fmt.Sprintf("Functions are billed while they wait for EFS, %s s per picture, and instances wait as long; one machine does not. A cold start with TensorFlow reads its files ahead from EFS and is billed for the time: the amount is measured in runs with a shared file system if there are any, else assumed. ONNX Runtime is in the function's archive. The bands show scenarios of what AWS does not document: functions' processors that take 0.7 to 1.5 times as long as the instances', environments kept for 300 to 1,800 s, a quarter to all of the assumed waits for EFS, and two jobs at once on an instance, whose processors are two threads of one core and do 0.6 to 1 times twice the work of one job (extrapolation).", exact(assumptions.StoreSeconds)),
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
		Caption: "Above 0% functions cost less, below it they cost more. Curves end at −100%, where functions cost twice as much. Bands show the range of the scenarios.", Basis: cost.Assumed,
		X: "Duty: share of what one instance sustains", Y: "Saving", logX: true, percentX: true, percentY: true, yLow: -1, yHigh: 1, markersEvery: 4,
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

const missingWorker = "This needs runs of a worker with a function's share of the processors, and of the same engine at the same size on the whole machine, both with cold and warm pictures: run scripts/compare --only 'service-*-512px-*' --out DIR as root."

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

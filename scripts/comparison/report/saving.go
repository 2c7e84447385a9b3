package report

import (
	"fmt"
	"math"
	"strings"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/assumptions"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// A view is a way to set functions against instances.
type view struct {
	name  string
	scope cost.Scope
	rival func(scenario, float64) (cost.Deployment, cost.Month)
	local bool // the rival's jobs are on its own disk
}

var views = []view{
	{"compute alone, against always-on instances", cost.Compute, scenario.alwaysOn, false},
	{"the whole bill, against always-on instances", cost.Whole, scenario.alwaysOn, false},
	{"the whole bill, against one machine", cost.Whole, scenario.oneMachine, true},
}

// compare is a view of a scenario.
func (v view) compare(s scenario) cost.Comparison {
	rival := func(n float64) (cost.Deployment, cost.Month) { return v.rival(s, n) }
	return cost.Comparison{Functions: cost.Over(s.prices, s.functions), Instances: cost.Over(s.prices, rival), Capacity: v.capacity(s)}
}

// capacity is the rival's, in pictures a second of an instance.
func (v view) capacity(s scenario) float64 {
	if v.local {
		return s.capacity.local
	}
	return s.capacity.shared
}

// effort is how many jobs are simulated of each point, and how often runs are resampled; 0 is not at all.
type effort struct{ jobs, resamples int }

// saving sets functions against instances, over the share of what an instance sustains.
func saving(f *folder, workers []worker, t *prices.Table, e effort) (Section, error) {
	s := Section{ID: "saving", Title: "Saving against duty"}
	if len(workers) == 0 {
		s.Missing = missingWorker
		return s, nil
	}
	best := &workers[0]
	s.Text = []string{
		fmt.Sprintf("Duty is a number of pictures, as a share of what one instance (%s, two processors, two jobs at once) sustains in a month: with pictures of %d px and a 95th percentile of %s, by simulation and by the processor time that the server and the daemon used in their runs, %s pictures a second with %s, or %s where its jobs are on its own disk rather than on EFS. Saving is what of the instances' bill the functions' bill saves. d* is where both cost the same, d70 where functions save 70%%; all crossings between a duty of %s and %s are listed.",
			assumptions.InstanceType, best.instance.variant.Size, exact(goal)+" s", figure(best.capacity().shared), engineName(best.function.variant.Engine), figure(best.capacity().local), exactPercent(lowestDuty), exactPercent(highestDuty)),
		fmt.Sprintf("Prices on demand of %s, %s, without free tiers. A function of %d MB on this machine's processors. One machine has server, daemon and jobs on one instance, whose disk keeps what the file system keeps elsewhere, and no gateway: the best rival, but with neither a second zone nor copies.",
			t.Region, t.Date, best.function.variant.MemoryMB),
		fmt.Sprintf("Functions are billed while they wait for EFS, %s s a picture, and instances wait as long; one machine does not. TensorFlow's cold starts read from EFS, ahead, what its runs there did, else what is assumed, and are billed for that time; ONNX Runtime is in the function's archive. The bands have the scenarios of what AWS does not document: functions' processors 0.7 to 1.5 times as slow as instances', environments kept for 300 to 1,800 s, a quarter to all of the assumed waits for EFS, and two jobs at once on an instance, whose processors are two threads of one core, which do 0.6 to 1 of twice one job's work (extrapolation).", exact(assumptions.StoreSeconds)),
	}
	chart, err := best.savingChart("Saving of functions with "+engineName(best.function.variant.Engine), views, t)
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

// savingChart is the saving over duties, with the bands of the scenarios.
func (w *worker) savingChart(title string, views []view, t *prices.Table) (Chart, error) {
	chart := Chart{
		Title:   title + ", by duty",
		Caption: "Above 0% functions cost less, below it more. Lines end at −100%: functions cost twice as much. Bands are the scenarios.", Basis: cost.Assumed,
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

// claimed is the saving that the project's claim has.
const claimed = 0.7

func crossingTable() Table {
	return Table{
		Title: "Crossings", Left: 3, Basis: cost.Assumed,
		Columns: []string{"Engine", "Bill", "Level", "Duty", "95% interval", "Pictures a day", "Saving then", "Scenarios"},
		Notes: []string{
			"Intervals are by resampling runs jointly, 10 runs or more. Scenarios are the lowest and the highest crossing over all combinations of processors' speed, keep-alive, two jobs at once and waits for EFS, where there is one. Crossings of resamples are looked for within half and twice the duty: the interval of one that moves further is cut off there. Resampling keeps the shares of cold starts, which are simulated with all runs.",
			fmt.Sprintf("Compute alone has measured times and simulated cold starts, and an assumed wait of %s for EFS in each picture, which can be more than half of the time that is billed. The whole bill also has assumed quantities of the services around the painting.", seconds(assumptions.StoreSeconds)),
		},
	}
}

const missingWorker = "The runs have no worker that was held to a function's share of the processors beside the same engine at the same size on the whole machine, with cold and warm pictures: run scripts/compare --only 'service-*-512px-*' --out DIR as root."

// variations are the scenarios of processors' speed, keep-alive, what two jobs at once do on an instance, and waits for
// EFS.
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

// band is a view's saving over duties, with the band of the scenarios.
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

// crossings are the rows of a view.
func (w *worker) crossings(f *folder, v view, t *prices.Table, e effort) (rows [][]string, err error) {
	base := w.base(t, nil, nil)
	for _, l := range []struct {
		name  string
		level float64
	}{{"d*: the same", 0}, {"d70: 70% saved", claimed}} {
		found, err := v.compare(base).Crossings(l.level, v.scope, lowestDuty, highestDuty)
		if err != nil {
			return nil, err
		}
		low, high := math.Inf(1), math.Inf(-1)
		for _, s := range w.variations(t) {
			others, err := quickCrossings(v.compare(s), l.level, v.scope, lowestDuty, highestDuty)
			if err != nil {
				return nil, err
			}
			for _, x := range others {
				low, high = min(low, x), max(high, x)
			}
		}
		head := []string{engineName(w.function.variant.Engine), v.name, l.name}
		if len(found) == 0 {
			always, err := v.always(base, l.level)
			if err != nil {
				return nil, err
			}
			where := "never as high"
			if always {
				where = "always higher"
			}
			rows = append(rows, append(head, none, none, none, where, between(low, high)))
		}
		for _, x := range found {
			falls := "falls"
			if x.Rising {
				falls = "rises"
			}
			if x.Jump {
				falls += " in a step"
			}
			interval := none
			if len(found) == 1 { // of several, which one a resample's is would be a guess
				if interval, err = w.resampled(f, v, t, e, l.level, x.Duty); err != nil {
					return nil, err
				}
			}
			rows = append(rows, append(append([]string{}, head...), percent(x.Duty), interval, figure(perDay(x.Pictures)), falls, between(low, high)))
		}
	}
	return rows, nil
}

// always is whether functions save more than level at every duty, where no crossing is found; else they save less.
func (v view) always(s scenario, level float64) (bool, error) {
	middle, err := v.compare(s).Saving(math.Sqrt(lowestDuty*highestDuty), v.scope)
	return middle > level, err
}

// between is a range of shares; a dash where there is none.
func between(low, high float64) string {
	if low > high {
		return none
	}
	return percent(low) + " to " + percent(high)
}

// resampled is the interval of a crossing by resampling the runs of function and instance.
func (w *worker) resampled(f *folder, v view, t *prices.Table, e effort, level, duty float64) (string, error) {
	runs := []int{len(w.function.runs), len(w.instance.runs)}
	if f.plan.Quick || e.resamples == 0 || min(runs[0], runs[1]) < 10 {
		return none, nil
	}
	low, high := max(lowestDuty, duty/2), min(highestDuty, duty*2)
	r, err := statistics.Resample(random(f.plan.Seed), runs, e.resamples, 0.95, func(chosen [][]int) float64 {
		found, err := quickCrossings(v.compare(w.base(t, chosen[0], chosen[1])), level, v.scope, low, high)
		if err != nil || len(found) == 0 {
			return math.NaN()
		}
		return found[0]
	})
	if err != nil {
		return "", err
	}
	s := percent(r.Low) + " to " + percent(r.High)
	if r.Undefined > 0 {
		s += fmt.Sprintf(", of %s of the resamples", percent(1-r.Undefined))
	}
	return strings.TrimSpace(s), nil
}

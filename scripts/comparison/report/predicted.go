package report

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// predictionTexts describes when predictions were made and from what, which evidence shows that this was
// before the runs, and which predictions are void.
func (f *folder) predictionTexts() []string {
	p, n := f.predictions, f.predictionCounts()
	return []string{
		fmt.Sprintf("Of %d predictions, %d hold, %d miss (%d are too high, %d too low), %d are void, and %d cannot be judged yet, because their variants have fewer than ten runs.", n.all(), n.holds, n.misses, n.high, n.misses-n.high, n.void, n.waiting),
		fmt.Sprintf("The predictions were made at %s with the programs of commit %s, from %d runs, which predictions.json lists with their SHA-256. The SHA-256 of predictions.json is %s.",
			p.Made.Format(time.RFC3339), p.Commit, len(p.Calibration), f.predicting),
		"The commits prove that the predictions came first. The file of each run names the commit of the checkout that made the run. If this commit contains predictions.json with the same SHA-256 (git show COMMIT:scripts/comparison/results/predictions.json | sha256sum), the predictions were committed before the run. Times in files prove nothing, because anybody can change them.",
		"A prediction is void if a run of its variant does not name the SHA-256 of this predictions.json, if it was not made before the variant's first run, or if a run that it was made from is missing or was changed. Void runs and runs on another processor count here, too, because their files also have figures.",
	}
}

// predictionSummary returns how far the simulation's predictions of runs came true, for a reader who
// reads only the recommendation; "" if there are none.
func (f *folder) predictionSummary() string {
	if f.predictions == nil {
		return ""
	}
	n := f.predictionCounts()
	return fmt.Sprintf("Waits and cold starts in bills and latencies are simulated. Of %d figures that the simulation predicted for runs on the measuring machine, %d are within the interval of the runs, %d are too high and %d too low: see Validation of the simulation.",
		n.all(), n.holds, n.high, n.misses-n.high)
}

// predicted returns the table that compares predictions with the prediction intervals of ten runs
// or more. It lists variants without a prediction with the reason.
func (f *folder) predicted() Table {
	t := Table{Title: "Predictions of runs on this machine", Left: 2, Basis: cost.Simulated,
		Columns: []string{"System and load", "Figure", "Predicted", "Measured, from", "Measured, to", "Predicted / measured", "Runs", "Time from the prediction to the first run", "Result"},
		Notes: []string{
			"Predicted is the simulated value for a run of the variant. The two columns after it are the measured interval that contains one further run with 95% confidence. It is computed from the standard deviation of the runs times √(1 + 1/n + 1/m), for n runs and m calibrating runs, which are assumed to vary as much. For counts it extends at least half a count to both sides. Predicted / measured: measured is the mean of the runs (for times the geometric mean).",
			"The intervals do not include drift, which is what changed on the machine between the calibrating and the predicted runs. They are wide for another reason, too: a prediction is of the mean of the runs, but the interval is that of one run, which varies about three times as much as the mean of ten. So a prediction that is wrong by two standard deviations of the runs still holds; Predicted / measured shows the error.",
		}}
	groups, titles := map[string]group{}, map[string]string{}
	for _, v := range f.plan.Variants {
		titles[v.Name()] = variantTitle(v)
	}
	processor := f.predictions.Processor
	if processor == "" && len(f.processors()) > 0 {
		processor = f.processors()[0]
	}
	for _, g := range f.groups(processor) {
		groups[g.variant.Name()] = g
	}
	predicted, reasons := map[string]bool{}, map[string]string{}
	for _, p := range f.predictions.Predictions {
		predicted[p.Variant] = true
		t.Rows = append(t.Rows, append([]string{cmp.Or(titles[p.Variant], p.Variant)}, f.predictionRow(p, groups[p.Variant])...))
	}
	for _, u := range f.predictions.Unpredicted {
		reasons[u.Variant] = u.Reason
	}
	for _, v := range f.plan.Variants {
		if name := v.Name(); !v.Calibrates() && !predicted[name] {
			t.Rows = append(t.Rows, []string{titles[name], none, none, none, none, none, exact(float64(len(groups[name].runs))), none,
				notPredicted + cmp.Or(reasons[name], "predictions.json does not say why")})
		}
	}
	return t
}

// voidPrefix begins the result of a void prediction.
const voidPrefix = "void: "

const (
	notPredicted = "not predicted: " // begins the result of a variant without predictions
	tooHigh      = "misses, too high"
	tooLow       = "misses, too low"
	noRuns       = "no runs"
	tooFew       = "fewer than ten runs"
)

// counts are the numbers of predictions by result. high is the number of misses above the measured
// interval, and waiting that of predictions without enough runs.
type counts struct{ holds, misses, high, void, waiting int }

func (c counts) all() int { return c.holds + c.misses + c.void + c.waiting }

// predictionCounts counts the results of the predictions.
func (f *folder) predictionCounts() (n counts) {
	for _, row := range f.predicted().Rows {
		switch result := row[len(row)-1]; {
		case strings.HasPrefix(result, voidPrefix):
			n.void++
		case result == verdict(true):
			n.holds++
		case result == tooHigh:
			n.misses++
			n.high++
		case result == tooLow:
			n.misses++
		case !strings.HasPrefix(result, notPredicted):
			n.waiting++
		}
	}
	return n
}

// variantTitle describes a variant under load for readers.
func variantTitle(v measurement.Variant) string {
	return systemName(v) + ", " + engineAndNetwork(v) + ", " + load(v)
}

// predictionRow returns the row of a prediction without the name of its variant, whose runs are
// those of g.
func (f *folder) predictionRow(p prediction.Prediction, g group) []string {
	values := g.predictable(p.Figure)
	first, reasons := f.voidReasons(p.Variant)
	row := func(low, high, ratio, result string) []string {
		before := none
		if !first.IsZero() {
			before = first.Sub(f.predictions.Made).Round(time.Second).String()
		}
		return []string{figureName(p.Figure), withUnit(p.Figure, p.Value), low, high, ratio, exact(float64(len(values))), before, result}
	}
	switch {
	case len(reasons) > 0:
		return row(none, none, none, voidPrefix+strings.Join(reasons, "; "))
	case len(g.runs) == 0:
		return row(none, none, none, noRuns)
	}
	predict := statistics.Predict
	if p.Figure == prediction.ColdStarts {
		predict = statistics.PredictCount
	}
	i, err := predict(values, p.Calibrating, 0.95)
	if err != nil {
		return row(none, none, none, tooFew)
	}
	result := verdict(i.Holds(p.Value))
	switch {
	case p.Value > i.High:
		result = tooHigh
	case p.Value < i.Low:
		result = tooLow
	}
	return row(withUnit(p.Figure, i.Low), withUnit(p.Figure, i.High), percent(p.Value/i.Estimate), result)
}

// voidReasons returns the reasons for which predictions of a variant are void, and when its first run
// began (zero without runs).
func (f *folder) voidReasons(variant string) (first time.Time, reasons []string) {
	all, named := 0, 0
	for _, r := range f.runs {
		if r.Header.Variant.Name() != variant {
			continue
		}
		if all++; all == 1 || r.Header.Began.Before(first) {
			first = r.Header.Began
		}
		if r.Header.Predictions == f.predicting {
			named++
		}
	}
	if named < all {
		reasons = append(reasons, fmt.Sprintf("only %d of its variant's %d runs name this predictions.json by its SHA-256", named, all))
	}
	if made := f.predictions.Made; all > 0 && (made.IsZero() || !made.Before(first)) {
		reasons = append(reasons, "it was not made before its variant's first run")
	}
	if from := len(f.predictions.Calibration); len(f.changed) > 0 {
		reasons = append(reasons, fmt.Sprintf("only %d of the %d runs that it was made from are unchanged: %s is missing or was changed", from-len(f.changed), from, f.changed[0]))
	}
	return first, reasons
}

// figureName returns the name of a predicted figure.
func figureName(figure string) string {
	if figure == prediction.Busy {
		return "processor time of the system"
	}
	return figure
}

// withUnit formats a value of a predicted figure.
func withUnit(name string, value float64) string {
	if name == prediction.ColdStarts {
		return figure(value) + unit("starts")
	}
	return seconds(value)
}

// predictable returns the value of a predictable figure for each run.
func (g group) predictable(figure string) []float64 {
	switch figure {
	case prediction.P50:
		return g.percentiles(50, false)
	case prediction.P95:
		return g.percentiles(95, false)
	case prediction.Busy:
		return g.each(func(r *measurement.Run) (float64, bool) { return r.Busy().System, true })
	case prediction.ColdStarts:
		return g.each(func(r *measurement.Run) (float64, bool) { return float64(r.ColdJobs()), true })
	}
	return nil
}

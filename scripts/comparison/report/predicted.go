package report

import (
	"fmt"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// madeBefore says when predictions were made, and from what.
func (f *folder) madeBefore() string {
	p := f.predictions
	return fmt.Sprintf("The predictions were made at %s with the programs of %s, from %d runs, which predictions.json names. One that is not older than the first of the runs that it predicts is void. Whether the file was committed before them, the repository's history shows.",
		p.Made.Format(time.RFC3339), p.Commit, len(p.Calibration))
}

// predicted holds predictions to the prediction intervals of ten runs or more.
func (f *folder) predicted() Table {
	t := Table{Title: "Predictions of runs on this machine", Left: 2, Basis: cost.Measured,
		Columns: []string{"Variant", "Figure", "Predicted", "From", "To", "Runs", "Made before the first", "Result"}}
	groups := map[string]group{}
	processor := f.predictions.Processor
	if processor == "" && len(f.processors()) > 0 {
		processor = f.processors()[0]
	}
	for _, g := range f.groups(processor) {
		groups[g.variant.Name()] = g
	}
	for _, p := range f.predictions.Predictions {
		row := []string{p.Variant, p.Figure, figure(p.Value), none, none, "0", none, "no runs"}
		if g, ok := groups[p.Variant]; ok {
			g.judge(p, f.predictions.Made, row)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// tooLate is the result of a prediction that is void.
const tooLate = "void: made after a run"

// predictedInTime is whether there are predictions with runs, none of which is void.
func (f *folder) predictedInTime() bool {
	if f.predictions == nil {
		return false
	}
	judged := false
	for _, row := range f.predicted().Rows {
		if row[7] == tooLate {
			return false
		}
		judged = judged || row[7] == verdict(true) || row[7] == verdict(false)
	}
	return judged
}

// judge completes the row of a prediction by a variant's runs.
func (g group) judge(p prediction.Prediction, made time.Time, row []string) {
	first := g.runs[0].Header.Began
	for _, r := range g.runs {
		if r.Header.Began.Before(first) {
			first = r.Header.Began
		}
	}
	values := g.predictable(p.Figure)
	row[5] = exact(float64(len(values)))
	if made.IsZero() || !made.Before(first) {
		row[7] = tooLate
		return
	}
	row[6] = first.Sub(made).Round(time.Second).String()
	predict := statistics.Predict
	if p.Figure == prediction.ColdStarts {
		predict = statistics.PredictCount
	}
	i, err := predict(values, 0.95)
	if err != nil {
		row[7] = "fewer than ten runs"
		return
	}
	row[3], row[4], row[7] = figure(i.Low), figure(i.High), verdict(i.Holds(p.Value))
}

// predictable is a figure of each run that can be predicted.
func (g group) predictable(figure string) []float64 {
	switch figure {
	case prediction.P50:
		return g.percentiles(50, false)
	case prediction.P95:
		return g.percentiles(95, false)
	case prediction.Busy:
		return g.each(func(r *measurement.Run) (float64, bool) { return r.ProcessorSeconds(), true })
	case prediction.ColdStarts:
		return g.each(func(r *measurement.Run) (float64, bool) { return float64(r.ColdJobs()), true })
	}
	return nil
}

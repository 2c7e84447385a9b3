package report

import (
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// drift returns the table that shows how much of the predictions' errors comes from the machine: the
// processor time per picture does not depend on how long jobs wait for each other.
func (f *folder) drift() Table {
	t := Table{Title: "Processor time per picture in calibrating runs, in predictions, and in predicted runs", Left: 1, Basis: cost.Simulated,
		Columns: []string{"System and load", "Calibrating runs, s", "Predicted, s", "Measured, s", "Measured / calibrating"},
		Notes: []string{
			"Only the system's own programs, without emulators and load generator; means of runs. Measured / calibrating shows what the calibrating runs do not: the drift of the machine between the two, processors that were idle more often at the steady rate, and the cold starts, of which a load at random or in bursts has more.",
			"A prediction is above the calibrating runs by its cold starts and, for workers of one thread, by the 20% that a picture was assumed to take longer while other pictures are painted. The 20% were measured on another model of processor (scripts/bench-results.md, threads). If measured times are below this, it does not apply to the processor of these runs.",
		}}
	calibrating := map[string]bool{}
	for _, s := range f.predictions.Calibration {
		calibrating[s.SHA256] = true
	}
	for _, p := range f.predictions.Predictions {
		at := slices.IndexFunc(f.plan.Variants, func(v measurement.Variant) bool { return v.Name() == p.Variant })
		if p.Figure != prediction.Busy || at < 0 {
			continue
		}
		v := f.plan.Variants[at]
		var before, after, pictures []float64
		for _, r := range f.runs {
			of := r.Header.Variant
			switch perPicture := r.Busy().System / float64(max(1, len(r.Jobs))); {
			case r.Footer.Void != "" || r.Header.Machine.Processor != f.predictions.Processor:
			case of.Name() == v.Name():
				after, pictures = append(after, perPicture), append(pictures, float64(len(r.Jobs)))
			case of.Pattern == measurement.Steady && of.WithoutLoad() == v.WithoutLoad() && calibrating[r.SHA256]:
				before = append(before, perPicture)
			}
		}
		if len(before) == 0 || len(after) == 0 {
			continue
		}
		t.Rows = append(t.Rows, []string{variantTitle(v), seconds(statistics.Mean(before)),
			seconds(p.Value / statistics.Mean(pictures)), seconds(statistics.Mean(after)), percent(statistics.Mean(after) / statistics.Mean(before))})
	}
	return t
}

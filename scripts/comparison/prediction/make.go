package prediction

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/simulation"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// draws is the number of simulations of a run with the same arrivals and different job times.
const draws = 20

// Make writes an output folder's predictions for the variants of its plan that do not calibrate and
// have no runs, not even void ones or ones on other processors. It returns the predictions, and a
// sentence for each reason why some variants could not be predicted. trace is needed for variants
// with a recorded pattern and may be nil otherwise. No other process can add runs to the folder
// meanwhile.
//
// A prediction is compared later with the interval of further runs, computed from the runs that are
// made. So it is the centre of simulated runs for the plan's repetitions with exactly their
// arrivals: the geometric mean, and for cold starts the mean.
func Make(dir, commit string, now time.Time, trace *measurement.Trace) (*File, []string, error) {
	folder, err := measurement.Reopen(dir)
	if err != nil {
		return nil, nil, err
	}
	defer folder.Close()
	runs, err := folder.Runs()
	if err != nil {
		return nil, nil, err
	}
	if err := replaceable(dir, runs); err != nil {
		return nil, nil, err
	}
	f := &File{Commit: commit, Made: now.UTC(), Seed: folder.Plan.Seed}
	by := measurement.ByProcessor(runs)
	for _, name := range slices.Sorted(maps.Keys(by)) {
		if f.Processor == "" || len(by[name]) > len(by[f.Processor]) {
			f.Processor = name
		}
	}
	used := f.predict(folder.Plan, runs, trace)
	left := f.sentences()
	if len(f.Predictions) == 0 {
		if len(left) == 0 {
			return nil, nil, fmt.Errorf("%s has nothing to predict: all variants of its plan calibrate the simulation", dir)
		}
		return nil, nil, fmt.Errorf("nothing can be predicted: %s", strings.Join(left, "; "))
	}
	if f.Calibration, err = sources(dir, used); err != nil {
		return nil, nil, err
	}
	return f, left, f.write(dir)
}

// predict adds the predictions and the variants without one, and returns the runs that were used.
func (f *File) predict(plan measurement.Plan, runs []*measurement.Run, trace *measurement.Trace) map[*measurement.Run]bool {
	made := map[string]bool{}
	for _, r := range runs { // including void runs and other processors, whose files have figures
		made[r.Header.Variant.Name()] = true
	}
	counted, used := measurement.ByProcessor(runs)[f.Processor], map[*measurement.Run]bool{}
	for _, v := range plan.Variants {
		name := v.Name()
		if v.Calibrates() {
			continue
		}
		if made[name] {
			f.Unpredicted = append(f.Unpredicted, Unpredicted{name, "runs existed already"})
			continue
		}
		s, err := calibrated(v, counted)
		var figures []Prediction
		if err == nil {
			figures, err = s.figures(plan, v, trace)
		}
		if err != nil {
			f.Unpredicted = append(f.Unpredicted, Unpredicted{name, strings.TrimPrefix(err.Error(), name+": ")})
			continue
		}
		f.Predictions = append(f.Predictions, figures...)
		for _, r := range s.calibrate {
			used[r] = true
		}
	}
	return used
}

// sentences lists the variants without a prediction, by reason.
func (f *File) sentences() (all []string) {
	variants := map[string][]string{}
	var reasons []string
	for _, u := range f.Unpredicted {
		if variants[u.Reason] == nil {
			reasons = append(reasons, u.Reason)
		}
		variants[u.Reason] = append(variants[u.Reason], u.Variant)
	}
	for _, reason := range reasons {
		all = append(all, strings.Join(variants[reason], ", ")+": "+reason)
	}
	return all
}

// figures returns the predictions of a variant.
func (s *system) figures(plan measurement.Plan, v measurement.Variant, trace *measurement.Trace) ([]Prediction, error) {
	var p50, p95, busy, cold []float64
	for repetition := 1; repetition <= plan.Repetitions; repetition++ {
		if !plan.In(v, repetition) {
			continue
		}
		arrivals, err := plan.Arrivals(v, repetition, trace)
		if err != nil {
			return nil, err
		}
		for n := range draws {
			r, err := simulation.Local(simulation.Load{Arrivals: arrivals, Work: s.work, Seed: plan.Seed + uint64(repetition*draws+n)}, s.machine) //nolint:gosec // small
			if err != nil {
				return nil, err
			}
			for p, all := range map[float64]*[]float64{50: &p50, 95: &p95} {
				if value, err := statistics.Percentile(r.Latencies(), p); err == nil { // with too few jobs the report has no percentile either
					*all = append(*all, value)
				}
			}
			busy = append(busy, max(1e-6, r.Usage.ProcessorSeconds-s.others*float64(r.Usage.Jobs)))
			cold = append(cold, float64(r.Usage.ColdStarts))
		}
	}
	var all []Prediction
	add := func(figure string, value float64) {
		all = append(all, Prediction{v.Name(), figure, value, s.steady})
	}
	if len(p50) > 0 {
		add(P50, geometric(p50))
		add(P95, geometric(p95))
	}
	add(Busy, geometric(busy))
	if starts(v) { // otherwise there are none in any model
		add(ColdStarts, statistics.Mean(cold))
	}
	return all, nil
}

func geometric(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += math.Log(v)
	}
	return math.Exp(sum / float64(len(values)))
}

// sources returns the files of runs.
func sources(dir string, used map[*measurement.Run]bool) (all []Source, err error) {
	for r := range used {
		name := r.FileName()
		b, err := os.ReadFile(filepath.Join(dir, "runs", name))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		all = append(all, Source{name, hex.EncodeToString(sum[:])})
	}
	slices.SortFunc(all, func(a, b Source) int { return strings.Compare(a.Run, b.Run) })
	return all, nil
}

package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// A folder is the input of a report: an output folder of a measurement.
type folder struct {
	plan        measurement.Plan
	runs        []*measurement.Run // including void runs
	unavailable map[string]string  // by variant: why it could not be measured
	digest      string             // SHA-256 of the files as measured, in hexadecimal digits
	predictions *prediction.File   // nil where there are none
	predicting  string             // SHA-256 of the predictions' file, in hexadecimal digits
	changed     []string           // calibrating runs that the predictions name, but that are missing or were changed
}

// read reads an output folder of a measurement, or an exported one.
func read(dir string) (f folder, err error) {
	sum := sha256.New()
	path := filepath.Join(dir, "plan.json")
	b, err := os.ReadFile(path)
	if err != nil {
		return f, fmt.Errorf("%s is not an output folder of scripts/compare, because it has no readable plan.json: %w", dir, err)
	}
	sum.Write(b)
	if err := json.Unmarshal(b, &f.plan); err != nil {
		return f, fmt.Errorf("%s is damaged: %w", path, err)
	}
	if f.unavailable, err = measurement.Unavailable(dir); err != nil {
		return f, err
	}
	for _, name := range slices.Sorted(maps.Keys(f.unavailable)) {
		fmt.Fprintf(sum, "%s %s\n", name, f.unavailable[name])
	}
	if f.runs, err = measurement.Load(dir); err != nil {
		return f, err
	}
	if len(f.runs) == 0 {
		return f, fmt.Errorf("%s has no runs yet: run scripts/compare --out %s first", dir, dir)
	}
	hashes := map[string]string{}
	for i, r := range f.runs {
		hashes[r.FileName()] = r.SHA256
		fmt.Fprintf(sum, "%s %s\n", r.FileName(), r.SHA256)
		f.runs[i] = r.Reduced() // so that an exported folder gives the same report
	}
	if f.predictions, b, err = prediction.Read(dir); err != nil {
		return f, err
	}
	sum.Write(b)
	f.digest = hex.EncodeToString(sum.Sum(nil))
	if f.predictions == nil {
		return f, nil
	}
	f.predicting = digest(b)
	for _, s := range f.predictions.Calibration {
		if hashes[s.Run] != s.SHA256 {
			f.changed = append(f.changed, s.Run)
		}
	}
	return f, nil
}

// digest returns the SHA-256 of a file's content, in hexadecimal digits.
func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// A group is the non-void runs of one variant on one processor model.
type group struct {
	variant measurement.Variant
	runs    []*measurement.Run
}

// processors returns the processor models of the runs that are not void, the one with the most runs
// first.
func (f *folder) processors() []string {
	by := measurement.ByProcessor(f.runs)
	names := slices.Sorted(maps.Keys(by))
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(by[b]), len(by[a])) })
	return names
}

// groups returns the variants that were measured on a processor model: those of the plan in its
// order, then the others. The runs of a variant are in order of repetition.
func (f *folder) groups(processor string) (all []group) {
	at := map[string]int{}
	add := func(v measurement.Variant) {
		if _, ok := at[v.Name()]; !ok {
			at[v.Name()] = len(all)
			all = append(all, group{variant: v})
		}
	}
	for _, v := range f.plan.Variants {
		add(v)
	}
	for _, r := range measurement.ByProcessor(f.runs)[processor] {
		add(r.Header.Variant)
		g := &all[at[r.Header.Variant.Name()]]
		g.runs = append(g.runs, r)
	}
	return slices.DeleteFunc(all, func(g group) bool { return len(g.runs) == 0 })
}

// each returns one value of each run. Runs for which of returns false are left out.
func (g group) each(of func(*measurement.Run) (float64, bool)) (values []float64) {
	for _, r := range g.runs {
		if v, ok := of(r); ok {
			values = append(values, v)
		}
	}
	return values
}

// means returns, for each run, the mean of a value over its cold or its warm jobs.
func (g group) means(cold bool, of func(measurement.Job) float64) []float64 {
	return g.each(func(r *measurement.Run) (float64, bool) {
		var values []float64
		for _, j := range r.Jobs {
			if j.Cold == cold && j.Failed == "" {
				values = append(values, of(j))
			}
		}
		return statistics.Mean(values), len(values) > 0
	})
}

// warm returns the values of all warm jobs of all runs.
func (g group) warm(of func(measurement.Job) float64) (values []float64) {
	for _, r := range g.runs {
		for _, j := range r.Jobs {
			if !j.Cold && j.Failed == "" {
				values = append(values, of(j))
			}
		}
	}
	return values
}

package measurement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// A Look is the result of examining the valid runs of a variant on one processor model.
type Look struct {
	Variant Variant
	Runs    int // 10, 15 or 20; 0: the results are not examined at this number of runs
	Verdict statistics.Verdict
	Wide    []string // figures whose interval is wider than required, such as "p95 ±14%"
}

// Looks examines each variant of the plan that has 10, 15 or 20 runs: whether its intervals are as
// narrow as required, which is 5% for p50 and for the mean warm picture, and 10% for p95 and for
// first pictures. A variant without a figure that has an interval, such as one of few jobs, is
// never examined, and neither is one that is not run in each repetition.
func (p Plan) Looks(runs []*Run) (all []Look) {
	of := map[Variant][]*Run{}
	for _, r := range runs {
		of[r.Header.Variant] = append(of[r.Header.Variant], r)
	}
	for _, v := range p.Variants {
		l := Look{Variant: v}
		if p.Every[v.Name()] <= 1 {
			l = lookAt(v, of[v])
		}
		all = append(all, l)
	}
	return all
}

// lookAt examines all runs of a variant.
func lookAt(v Variant, runs []*Run) Look {
	l := Look{Variant: v}
	if slices.Contains(statistics.Looks(), len(runs)) {
		l.look(runs)
	}
	return l
}

// Enough returns whether the intervals are as narrow as required. Further runs are then neither
// needed nor allowed, because stopping at a convenient result would bias it.
func (l Look) Enough() bool { return l.Runs > 0 && l.Verdict == statistics.Reached }

// look examines the figures of the variant's runs.
func (l *Look) look(runs []*Run) {
	for _, f := range l.Variant.figures() {
		var values []float64
		for _, r := range runs {
			if v, ok := f.of(r); ok {
				values = append(values, v)
			}
		}
		i, verdict, err := statistics.Look(values, f.goal)
		if err != nil { // not every run has this figure
			continue
		}
		if l.Runs != len(runs) {
			*l = Look{Variant: l.Variant, Runs: len(runs), Verdict: statistics.Reached}
		}
		if verdict != statistics.Reached {
			l.Verdict = verdict
			l.Wide = append(l.Wide, fmt.Sprintf("%s ±%.2g%%", f.name, 100*i.RelativeHalfWidth()))
		}
	}
}

// A lookedAt is a figure of a run whose interval has to be narrow.
type lookedAt struct {
	name string
	goal float64
	of   func(*Run) (float64, bool)
}

// figures returns the examined figures of a variant.
func (v Variant) figures() []lookedAt {
	percentile := func(p float64) func(*Run) (float64, bool) {
		return func(r *Run) (float64, bool) {
			v, err := statistics.Percentile(r.times(func(Job) bool { return true }, func(j Job) float64 { return j.Latency }), p)
			return v, err == nil
		}
	}
	if v.System != Service {
		return []lookedAt{{"p50", statistics.GoalP50, percentile(50)}, {"p95", statistics.GoalP95, percentile(95)}}
	}
	if v.Evicted || v.NFS {
		return []lookedAt{{"first picture", statistics.GoalP95, func(r *Run) (float64, bool) {
			values := r.times(func(j Job) bool { return j.Cold }, func(j Job) float64 { return j.Billed })
			return statistics.Mean(values), len(values) > 0
		}}}
	}
	return []lookedAt{{"warm picture", statistics.GoalP50, func(r *Run) (float64, bool) {
		values := r.times(func(j Job) bool { return !j.Cold }, func(j Job) float64 { return j.Handler })
		return statistics.Mean(values), len(values) > 0
	}}}
}

// times returns a time of each successful job for which chosen is true.
func (r *Run) times(chosen func(Job) bool, of func(Job) float64) (values []float64) {
	for _, j := range r.Jobs {
		if j.Failed == "" && chosen(j) {
			values = append(values, of(j))
		}
	}
	return values
}

// Advice describes which variants' intervals are wider than required, and which command narrows
// them; "" if there are none.
func Advice(looks []Look) string {
	var b strings.Builder
	for _, l := range looks {
		if l.Runs == 0 || l.Enough() {
			continue
		}
		what := "the report states this"
		if next := slices.IndexFunc(statistics.Looks(), func(n int) bool { return n > l.Runs }); next >= 0 {
			what = fmt.Sprintf("--repetitions %d makes %d more runs", statistics.Looks()[next], statistics.Looks()[next]-l.Runs)
		}
		fmt.Fprintf(&b, "%s: after %d runs the interval is wider than required: %s; %s.\n", l.Variant.Name(), l.Runs, strings.Join(l.Wide, ", "), what)
	}
	return b.String()
}

package measurement

import (
	"fmt"
	"slices"
	"strings"

	"github.com/atelier-go/atelier/scripts/comparison/statistics"
)

// A Look is what follows from the runs of a variant that are not void, of one processor model.
type Look struct {
	Variant Variant
	Runs    int // 10, 15 or 20; 0: it is not the time for a look
	Verdict statistics.Verdict
	Wide    []string // figures whose interval is wider than asked, such as "p95 ±14%"
}

// Looks looks at each variant of the plan that has 10, 15 or 20 runs, and says whether its intervals are
// as narrow as asked: those of p50 and of the mean warm picture to 5%, of p95 and of first pictures to 10%. A
// variant without a figure that has an interval, such as one of few jobs, is never looked at.
func (p Plan) Looks(runs []*Run) (all []Look) {
	of := map[Variant][]*Run{}
	for _, r := range runs {
		of[r.Header.Variant] = append(of[r.Header.Variant], r)
	}
	for _, v := range p.Variants {
		all = append(all, lookAt(v, of[v]))
	}
	return all
}

// lookAt looks at all runs of a variant.
func lookAt(v Variant, runs []*Run) Look {
	l := Look{Variant: v}
	if slices.Contains(statistics.Looks(), len(runs)) {
		l.look(runs)
	}
	return l
}

// Enough reports whether the intervals are as narrow as asked: further runs are neither needed nor
// allowed, since one would go on until the result pleases.
func (l Look) Enough() bool { return l.Runs > 0 && l.Verdict == statistics.Reached }

// look looks at the figures of the variant's runs.
func (l *Look) look(runs []*Run) {
	for _, f := range l.Variant.figures() {
		var values []float64
		for _, r := range runs {
			if v, ok := f.of(r); ok {
				values = append(values, v)
			}
		}
		i, verdict, err := statistics.Look(values, f.goal)
		if err != nil { // not every run has it
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

// figures are those of a variant.
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
			return meanOf(r.times(func(j Job) bool { return j.Cold }, func(j Job) float64 { return j.Billed }))
		}}}
	}
	return []lookedAt{{"warm picture", statistics.GoalP50, func(r *Run) (float64, bool) {
		return meanOf(r.times(func(j Job) bool { return !j.Cold }, func(j Job) float64 { return j.Handler }))
	}}}
}

// times are a time of the jobs that have a picture and are chosen.
func (r *Run) times(chosen func(Job) bool, of func(Job) float64) (values []float64) {
	for _, j := range r.Jobs {
		if j.Failed == "" && chosen(j) {
			values = append(values, of(j))
		}
	}
	return values
}

func meanOf(values []float64) (float64, bool) {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values)), len(values) > 0
}

// Advice says which variants' intervals are wider than asked, and which command makes them narrower;
// "" where there are none.
func Advice(looks []Look) string {
	var b strings.Builder
	for _, l := range looks {
		if l.Runs == 0 || l.Enough() {
			continue
		}
		what := "the report says so"
		if next := slices.IndexFunc(statistics.Looks(), func(n int) bool { return n > l.Runs }); next >= 0 {
			what = fmt.Sprintf("--repetitions %d makes %d more runs", statistics.Looks()[next], statistics.Looks()[next]-l.Runs)
		}
		fmt.Fprintf(&b, "%s: after %d runs the interval is wider than asked: %s; %s.\n", l.Variant.Name(), l.Runs, strings.Join(l.Wide, ", "), what)
	}
	return b.String()
}

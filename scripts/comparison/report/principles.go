package report

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// A principle is one of those for reproducible performance evaluation in the cloud, with our answer.
type principle struct {
	name, answer, how string
	file, href        string // a file of the output folder, or of the repository without an href
	row, anchor       string // of this report; the anchor is that of a section or a row
}

// principles answers the eight, with what shows it.
func (f *folder) principles() Section {
	all := []principle{f.repeated(), f.covered()}
	quick := f.plan.Quick
	met := func(ok bool, or string) string {
		if ok {
			return "met"
		}
		return or
	}
	intervals := met(!quick && f.plan.Repetitions >= 10, "unmet: there are no intervals")
	predicted := "Predictions made before runs: Unmet."
	if f.predictedInTime() {
		predicted = "Predictions made before runs: Met."
	}
	all = append(all,
		principle{"P3 Description of the setup", "met", "Machine, kernel, file system, commit and command are in each run.", "runs, first line of each", "runs/", "Raw data, Machines, row 1", rowAnchor(tableID("raw", 0), 1)},
		principle{"P4 Open access artifact", "partly", "Programs, raw runs and prices are in the repository. The recorded trace has no licence: a synthetic pattern with its statistics stands in.", "scripts/comparison/arrivals/synthetic.go", "", "Saving for recorded image jobs", "images"},
		principle{"P5 Probabilistic description", intervals, "Percentiles of each run, the spread between runs; nothing trimmed.", "runs, a line a job", "runs/", "Latency under load, row 1", rowAnchor(tableID("latency", 0), 1)},
		principle{"P6 Statistical evaluation", intervals, "Intervals by t on logarithms of each run's figure, resampled runs for crossings, looks after 10, 15 and 20 runs alone. " + predicted, "scripts/comparison/statistics/interval.go", "", "Saving against duty, Crossings, row 1", rowAnchor(tableID("saving", 0), 1)},
		principle{"P7 Units", "met", "Each column, or cell, names its unit.", "report.json", "report.json", "Service times, row 1", rowAnchor(tableID("service", 0), 1)},
		principle{"P8 Cost model", "met", "Dated prices with sources; bills held to ones written out by hand; sensitivity to prices.", "pkg/prices/regions/" + region + ".json", "", "Sensitivity, row 1", rowAnchor(tableID("sensitivity", 0), 1)},
	)
	t := Table{Title: "Answers", Left: 5, Basis: cost.Measured, Columns: []string{"Principle", "Answer", "How", "File", "Row"}, Links: map[string]string{}}
	for _, p := range all {
		t.Rows = append(t.Rows, []string{p.name, p.answer, p.how, p.file, p.row})
		t.Links[p.row] = "#" + p.anchor
		if p.href != "" {
			t.Links[p.file] = p.href
		}
	}
	return Section{ID: "principles", Title: "Eight principles", Text: []string{
		"Papadopoulos et al., Methodological Principles for Reproducible Performance Evaluation in Cloud Computing, IEEE Transactions on Software Engineering, 2019 (doi:10.1109/TSE.2019.2927908). Files are beside this report, or in the repository.",
	}, Tables: []Table{t}}
}

func (f *folder) repeated() principle {
	p := principle{"P1 Repeated experiments", "unmet: fewer than ten repetitions", fmt.Sprintf("%d repetitions planned, each restarts its programs; order drawn anew in each. All in one stretch of time: drifts over months are not covered.", f.plan.Repetitions), "plan.json", "plan.json", "Raw data", "raw"}
	if f.plan.Repetitions >= 10 && !f.plan.Quick {
		p.answer = "met, within one stretch of time"
	}
	return p
}

func (f *folder) covered() principle {
	machines := map[string]bool{}
	for _, r := range f.runs {
		machines[r.Header.Machine.Processor] = true
	}
	return principle{"P2 Workload and configuration coverage", "partly", fmt.Sprintf("%d variants: engines, sizes, memory, threads, patterns of arrivals; processor models: %d; none of AWS.", len(f.plan.Variants), len(machines)), "scripts/comparison/measurement/variants.go", "", "Service times", "service"}
}

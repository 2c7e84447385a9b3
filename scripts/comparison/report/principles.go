package report

import (
	"fmt"
	"slices"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

// A principle is one of the eight principles for reproducible performance evaluation in the cloud,
// and how far the report meets it.
type principle struct {
	name, answer, how string
	file, href        string // a file of the output folder with an href, or of the repository without
	row, anchor       string // a row of this report, with the anchor of a section or row
}

// principles returns the section on the eight principles, with the file and the row that show how
// far each is met.
func (f *folder) principles() Section {
	all := []principle{f.repeated(), f.covered()}
	intervals := f.byRuns("met")
	predicted := "Predictions made before runs: Unmet."
	if f.predictedInTime() {
		predicted = "Predictions made before runs: Met."
	}
	all = append(all,
		principle{"P3 Description of the setup", f.described(), "Each run records machine, kernel, file system, commit and command.", "runs, first line of each", "runs/", "Raw data, Machines, row 1", rowAnchor(tableID("raw", 0), 1)},
		principle{"P4 Open access artifact", "partly", "Programs, raw runs and prices are in the repository. The recorded trace has no licence, so a synthetic pattern with the same statistics is used instead.", "scripts/comparison/arrivals/synthetic.go", "", "Saving for recorded image jobs", "images"},
		principle{"P5 Probabilistic description", intervals, "Percentiles of each run and the spread between runs; no outliers are removed.", "runs, one line per job", "runs/", "Latency under load, row 1", rowAnchor(tableID("latency", 0), 1)},
		principle{"P6 Statistical evaluation", intervals, "Intervals by Student's t on the logarithms of each run's figure; resampled runs for crossings; results are examined only after 10, 15 and 20 runs. " + predicted, "scripts/comparison/statistics/interval.go", "", "Saving against duty, Crossings, row 1", rowAnchor(tableID("saving", 0), 1)},
		principle{"P7 Units", "partly", "Nearly every column or cell has a unit. The table of predictions has seconds, processor seconds and counts in one column; the name of the figure gives the unit.", "report.json", "report.json", "Service times, row 1", rowAnchor(tableID("service", 0), 1)},
		principle{"P8 Cost model", "partly", "Dated prices with sources; tests compare the bills with bills calculated by hand; sensitivity to prices. No bill from AWS was compared.", "pkg/prices/regions/" + region + ".json", "", "Sensitivity, row 1", rowAnchor(tableID("sensitivity", 0), 1)},
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
	return principle{"P1 Repeated experiments", f.byRuns("met, within one period of time"), fmt.Sprintf("%d repetitions planned; each restarts its programs and has its own random order. All were made in one period of time, so drift over months is not covered.", f.plan.Repetitions), "plan.json", "plan.json", "Raw data", "raw"}
}

// byRuns returns met if each planned variant has ten non-void runs on one processor model, and
// otherwise how far this is the case.
func (f *folder) byRuns(met string) string {
	enough := 0
	if processors := f.processors(); len(processors) > 0 && !f.plan.Quick {
		for _, g := range f.groups(processors[0]) {
			if len(g.runs) >= 10 {
				enough++
			}
		}
	}
	switch {
	case enough == 0:
		return "unmet: no variant has ten valid runs"
	case enough < len(f.plan.Variants):
		return fmt.Sprintf("partly: %d of %d variants have ten valid runs", enough, len(f.plan.Variants))
	}
	return met
}

// described returns whether all runs describe their machine and programs.
func (f *folder) described() string {
	lacking := 0
	for _, r := range f.runs {
		m := r.Header.Machine
		if slices.ContainsFunc([]string{m.Processor, m.Kernel, m.Commit}, func(s string) bool { return s == "" || s == machine.Unknown }) {
			lacking++
		}
	}
	if lacking > 0 {
		return fmt.Sprintf("partly: %d of %d runs do not record processor, kernel or commit", lacking, len(f.runs))
	}
	return "met"
}

func (f *folder) covered() principle {
	machines := map[string]bool{}
	for _, r := range f.runs {
		machines[r.Header.Machine.Processor] = true
	}
	return principle{"P2 Workload and configuration coverage", "partly", fmt.Sprintf("%d variants: engines, sizes, memory, threads, patterns of arrivals; processor models: %d; none at AWS.", len(f.plan.Variants), len(machines)), "scripts/comparison/measurement/variants.go", "", "Service times", "service"}
}

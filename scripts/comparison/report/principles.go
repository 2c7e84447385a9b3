package report

import (
	"fmt"
	"strings"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// A principle is one of the eight principles for reproducible performance evaluation in the cloud.
// Its answer is the result of a check of the folder, of the prices or of this report. It begins with
// "met", "partly", "unmet" or "not checked".
type principle struct {
	name, answer, how string
	file, href        string // a file of the output folder with an href, or of the repository without
	row, anchor       string // a row of this report, with the anchor of a section or row
}

// principles returns the section on the eight principles, with the file and the row that show how
// far each is met. sections are those of the report.
func (f *folder) principles(sections []Section, t *prices.Table) Section {
	const runs = "runs/ or runs.jsonl.gz"
	all := []principle{
		{"P1 Repeated experiments", f.repeated(), fmt.Sprintf("Checked: whether each variant has ten valid runs (%d repetitions are planned, %s), whether the order of the variants differs between repetitions, and the time from the first to the last run. Each run restarts its programs.", f.plan.Repetitions, f.fewer()), "plan.json", "plan.json", "Raw data", "raw"},
		{"P2 Workload and configuration coverage", f.covered(), "Checked: in what the valid runs differ. No run was made at AWS.", "scripts/comparison/measurement/variants.go", "", "Service times", "service"},
		{"P3 Description of the setup", f.described(), "Checked: whether the file of each run names processor with stepping, memory, kernel, system, version of Go, file system, command, and a commit without uncommitted changes.", runs + ", first line of each run", "", "Raw data, Machines, row 1", rowAnchor(tableID("raw", 0), 1)},
		{"P4 Open access artifact", f.open(), "The folder does not show whether it was published. The repository has the programs and the prices.", "scripts/comparison/results/README.md", "", "Raw data", "raw"},
		{"P5 Probabilistic description", f.probabilistic(), "Checked: whether variants under load have p50 and p95 of ten runs or more, from 200 jobs or more in each, and whether all jobs of valid runs are counted.", runs + ", the jobs of each run", "", "Latency under load, row 1", rowAnchor(tableID("latency", 0), 1)},
		{"P6 Statistical evaluation", f.evaluated(), "Checked: which variants have 95% intervals after 10, 15 or 20 runs (Student's t on the logarithms of the runs' figures), and how wide these are. " + f.predictedBefore(), "scripts/comparison/statistics/interval.go", "", "Saving by duty, Crossings, row 1", rowAnchor(tableID("saving", 0), 1)},
		{"P7 Units", unitsAnswer(sections), "Checked: whether each column of figures in this report has a unit in its title or in its cells, or consists of counts or ratios.", "report.json", "report.json", "Service times, row 1", rowAnchor(tableID("service", 0), 1)},
		{"P8 Cost model", pricedFrom(t), "Checked: whether each price has a source with a date. Not checked: whether a bill from AWS agrees, because nothing was deployed for this report.", "pkg/prices/regions/" + region + ".json", "", "Sensitivity, row 1", rowAnchor(tableID("sensitivity", 0), 1)},
	}
	table := Table{Title: "Answers", Left: 5, Basis: cost.Measured, Columns: []string{"Principle", "Answer", "How it was checked", "File that shows it", "Part of this report"}, Links: map[string]string{}}
	for _, p := range all {
		table.Rows = append(table.Rows, []string{p.name, p.answer, p.how, p.file, p.row})
		table.Links[p.row] = "#" + p.anchor
		if p.href != "" {
			table.Links[p.file] = p.href
		}
	}
	return Section{ID: "principles", Title: "Eight principles", Text: []string{
		"How far this measurement meets the principles of Papadopoulos et al., Methodological Principles for Reproducible Performance Evaluation in Cloud Computing, IEEE Transactions on Software Engineering, 2019 (doi:10.1109/TSE.2019.2927908). Each answer is the result of a check when this report was made, or the reason why there was none. Files are beside this report, or in the repository.",
	}, Tables: []Table{table}}
}

// predictedBefore describes whether the predictions were made before the runs.
func (f *folder) predictedBefore() string {
	const predictions = "Predictions made before runs: "
	if f.predictions == nil {
		return predictions + "not checked, because there are none."
	}
	n := f.predictionCounts()
	switch {
	case n.void > 0:
		return predictions + fmt.Sprintf("Unmet, because %d of %d are void.", n.void, n.all())
	case n.holds+n.misses == 0:
		return predictions + "not checked, because no predicted variant has ten runs yet."
	case n.waiting > 0:
		return predictions + fmt.Sprintf("Met by %d of %d; the variants of the others do not have ten runs yet.", n.holds+n.misses, n.all())
	}
	return predictions + "Met."
}

// pricedFrom checks the sources of the prices.
func pricedFrom(t *prices.Table) string {
	var sourceless []string
	names, quoted := t.Names(), 0
	for _, name := range names {
		p, err := t.Price(name)
		if err != nil || p.Source.URL == "" || p.Source.Date == "" {
			sourceless = append(sourceless, name)
		}
		if p.Source.Quoted {
			quoted++
		}
	}
	if len(sourceless) > 0 {
		return fmt.Sprintf("partly: %d of %d prices have no dated source: %s", len(sourceless), len(names), strings.Join(sourceless, ", "))
	}
	return fmt.Sprintf("partly: all %d prices have a dated source, %d of them quoted by others than AWS; reviewed on %s. No bill from AWS was compared", len(names), quoted, t.Date)
}

package report

import (
	"fmt"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// raw returns the section on the runs that the report was made from, the void ones and the missing
// ones.
func raw(f *folder) Section {
	s := Section{ID: "raw", Title: "Raw data", Text: []string{fmt.Sprintf(
		"The folder has %d runs, including void ones. %d repetitions are planned, %s. The seed of all random numbers is %d. The SHA-256 of the plan, the runs, the list of unavailable variants and the predictions together is %s.",
		len(f.runs), f.plan.Repetitions, f.fewer(), f.plan.Seed, f.digest)}}
	if t := f.trace(); t != nil {
		s.Text = append(s.Text, fmt.Sprintf(
			"The recorded arrivals are from a trace whose rows are not published: SHA-256 %s, %s jobs an hour, an index of dispersion of %s in windows of 10 minutes (variance divided by mean; 1 at random), and %s times the mean in the busiest hour.",
			t.SHA256, figure(t.Statistics.PerHour), figureOrDash(t.Statistics.Dispersion600), figureOrDash(t.Statistics.PeakHour)))
	}
	machines := Table{Title: "Machines", Left: 5, Columns: []string{"Processor", "System", "Kernel", "File system", "Commit", "Usable cores", "Memory, GiB", "Runs"}}
	counts := map[string]int{}
	row := func(r *measurement.Run) []string {
		m := r.Header.Machine
		return []string{m.Processor, m.System, m.Kernel, m.FileSystem, m.Commit, exact(float64(m.UsableCores)), figure(float64(m.MemoryBytes) / (1 << 30))}
	}
	for _, r := range f.runs {
		key := fmt.Sprint(row(r))
		if counts[key]++; counts[key] == 1 {
			machines.Rows = append(machines.Rows, row(r))
		}
	}
	for i, r := range machines.Rows {
		machines.Rows[i] = append(r, exact(float64(counts[fmt.Sprint(r)])))
	}
	void := Table{Title: "Void runs, which no figure uses", Left: 3, Columns: []string{"Variant", "Processor", "Reason", "Repetition"}}
	for _, r := range f.runs {
		if r.Footer.Void == "" {
			continue
		}
		void.Rows = append(void.Rows, []string{r.Header.Variant.Name(), r.Header.Machine.Processor, r.Footer.Void, exact(float64(r.Header.Repetition))})
	}
	lacking := Table{Title: "Planned runs that are missing", Left: 2, Columns: []string{"Variant", "Reason", "Valid runs", "Planned"}}
	for _, l := range f.shortages() {
		lacking.Rows = append(lacking.Rows, []string{l.variant.Name(), l.reason, exact(float64(l.valid)), exact(float64(f.plan.Runs(l.variant)))})
	}
	s.Tables = append(s.Tables, machines)
	if len(void.Rows) > 0 {
		s.Tables = append(s.Tables, void)
	} else {
		s.Text = append(s.Text, "No run is void.")
	}
	if len(lacking.Rows) > 0 {
		lacking.Notes = []string{"To make the missing runs, repeat the command that made the folder. If runs were made on several processor models, only those on the model with the most runs count."}
		s.Tables = append(s.Tables, lacking)
	}
	for i := range s.Tables {
		s.Tables[i].Basis = cost.Measured
	}
	return s
}

// trace returns the trace of the recorded pattern; nil if there is none.
func (f *folder) trace() *measurement.Trace {
	for _, r := range f.runs {
		if r.Header.Trace != nil {
			return r.Header.Trace
		}
	}
	return nil
}

// figureOrDash formats a statistic of a trace; a dash if it is zero, because the trace is too short for
// it.
func figureOrDash(v float64) string {
	if v == 0 {
		return none
	}
	return figure(v)
}

package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/atelier-go/atelier/pkg/prices"
	"github.com/atelier-go/atelier/scripts/comparison/measurement"
	"github.com/atelier-go/atelier/scripts/comparison/prediction"
	"github.com/atelier-go/atelier/scripts/measure/machine"
)

var loaded = measurement.Variant{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1}

func unchanged(*measurement.Job) {}

// answer returns the answer of a principle, such as P3, and how it was checked.
func answer(t *testing.T, f *folder, principle string, sections ...Section) (answer, how string) {
	t.Helper()
	for _, r := range f.principles(sections, virginia(t)).Tables[0].Rows {
		if strings.HasPrefix(r[0], principle+" ") {
			return r[1], r[2]
		}
	}
	t.Fatalf("there is no principle %s", principle)
	return "", ""
}

// Principles are met by existing runs, not by planned ones.
func TestPrinciplesAreMetByRuns(t *testing.T) {
	other := loaded
	other.Rate = 2
	for name, c := range map[string]struct {
		f    *folder
		want string
	}{
		"one run of ten planned": {measuredIn(loaded, 1, unchanged), "unmet"},
		"ten runs":               {measuredIn(loaded, 10, unchanged), "met"},
		"one of two variants": {func() *folder {
			f := measuredIn(loaded, 10, unchanged)
			f.plan.Variants = append(f.plan.Variants, other)
			return f
		}(), "partly: 1 of 2 variants"},
		"void runs": {func() *folder {
			f := measuredIn(loaded, 10, unchanged)
			f.runs[3].Footer.Void = "the load generator was late"
			return f
		}(), "unmet"},
	} {
		for _, p := range []string{"P1", "P5", "P6"} {
			if got, _ := answer(t, c.f, p); !strings.HasPrefix(got, c.want) {
				t.Errorf("%s: %s is %q, want %q", name, p, got, c.want)
			}
		}
	}
}

// An answer changes with the data that it is about.
func TestPrinciplesAreChecked(t *testing.T) {
	second := loaded
	second.Rate = 2
	for name, c := range map[string]struct {
		change          func(f *folder)
		principle, want string
	}{
		"another order": {func(f *folder) {
			f.plan.Variants = append(f.plan.Variants, second)
			for n, r := range measuredIn(second, 10, unchanged).runs {
				r.Header.Position = 1 + n%2
				f.runs = append(f.runs, r)
			}
		}, "P1", "met, within 9.00" + unit("days")},
		"the same order": {func(f *folder) {
			f.plan.Variants = append(f.plan.Variants, second)
			f.runs = append(f.runs, measuredIn(second, 10, unchanged).runs...)
		}, "P1", "partly: all variants have ten valid runs, but in the same order"},
		"one variant":   {func(*folder) {}, "P2", "partly: 1 of 1 variants have valid runs, which differ in system (1)"},
		"not measured":  {func(f *folder) { f.plan.Variants = append(f.plan.Variants, second) }, "P2", "partly: 1 of 2 variants"},
		"described":     {func(*folder) {}, "P3", "met"},
		"no commit":     {func(f *folder) { f.runs[1].Header.Machine.Commit = machine.Unknown }, "P3", "partly: some of the 10 runs do not record: commit without changes (1)"},
		"changed":       {func(f *folder) { f.runs[1].Header.Machine.Commit += ", with changes" }, "P3", "partly: some of the 10 runs do not record: commit without changes (1)"},
		"no stepping":   {func(f *folder) { f.runs[1].Header.Machine.Stepping = ""; f.runs[2].Header.Command = "" }, "P3", "partly: some of the 10 runs do not record: stepping (1), command (1)"},
		"no trace":      {func(*folder) {}, "P4", "not checked: a report cannot show whether its folder is published; no run depends"},
		"a trace":       {func(f *folder) { f.runs[0].Header.Trace = &measurement.Trace{} }, "P4", "not checked: a report cannot show whether its folder is published; the arrivals of 1 of 10 runs"},
		"a job missing": {func(f *folder) { f.runs[0].Jobs = f.runs[0].Jobs[:199] }, "P5", "unmet: 1 valid runs have fewer jobs than planned"},
		"wide": {func(f *folder) {
			for i := range f.runs[0].Jobs {
				f.runs[0].Jobs[i].Latency *= 9
			}
		}, "P6", "partly: 1 of 1 variants have intervals, 0 of them as narrow as required (5% for p50"},
	} {
		f := measuredIn(loaded, 10, unchanged)
		c.change(f)
		if got, _ := answer(t, f, c.principle); !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %s is %q, want %q", name, c.principle, got, c.want)
		}
	}
}

// Predictions are not judged before ten runs of their variant.
func TestPrincipleOfPredictions(t *testing.T) {
	made := time.Date(2025, 12, 31, 0, 0, 0, 0, time.UTC)
	for runs, want := range map[int]string{1: "not checked, because no predicted variant has ten runs yet.", 10: "Met by 1 of 2; the variants"} {
		f := measuredIn(loaded, runs, unchanged)
		f.predictions = &prediction.File{Made: made, Predictions: []prediction.Prediction{
			{Variant: loaded.Name(), Figure: prediction.P50, Value: 0.1, Calibrating: 10}, {Variant: "other", Figure: prediction.P50, Value: 0.1},
		}}
		if _, how := answer(t, f, "P6"); !strings.Contains(how, "Predictions made before runs: "+want) {
			t.Errorf("%d runs: %q", runs, how)
		}
	}
}

// Prices without a dated source are named.
func TestPrincipleOfCosts(t *testing.T) {
	if got, _ := answer(t, measuredIn(loaded, 1, unchanged), "P8"); !strings.HasPrefix(got, "partly: all ") || !strings.Contains(got, "have a dated source") {
		t.Errorf("got %q", got)
	}
	if got := pricedFrom(&prices.Table{}); !strings.HasPrefix(got, "partly: all 0 prices") {
		t.Errorf("of no prices: %q", got)
	}
}

// A column of figures needs a unit in its title or its cells, unless it is known to have none.
func TestUnits(t *testing.T) {
	of := func(title, column string, cells ...string) Section {
		table := Table{Title: title, Left: 1, Columns: []string{"Name", column}}
		for _, c := range cells {
			table.Rows = append(table.Rows, []string{"a", c})
		}
		return Section{Tables: []Table{table}}
	}
	for _, s := range []Section{
		of("T", "Start, s", "1"), of("Times, seconds", "Start", "1"), of("T", "Runs", "10"), of("T", "Share", "1.5% to 2%", none), of("T", "Bill", usd(3)),
		of("T", "Time", seconds(2), "1h2m0s"), of("T", "Result", "always", "never"), of("T, seconds, Another processor", "p50", "1 (0.9 to 1.1)"),
	} {
		if !s.Tables[0].hasUnit(1) {
			t.Errorf("no unit in %+v", s)
		}
	}
	f := measuredIn(loaded, 1, unchanged)
	good, bad := of("T", "Start, s", "1"), of("Times", "Start", seconds(1), "2")
	if got, _ := answer(t, f, "P7", good); got != "met by all 1 columns of figures" {
		t.Errorf("got %q", got)
	}
	if got, _ := answer(t, f, "P7", good, bad); got != "partly: 1 of 2 columns of figures have no unit: Start (Times)" {
		t.Errorf("got %q", got)
	}
}

// All columns of a whole report have units.
func TestReportHasUnits(t *testing.T) {
	d := whole(t)
	i := slices.IndexFunc(d.Sections, func(s Section) bool { return s.ID == "principles" })
	if got := d.Sections[i].Tables[0].Rows[6][1]; !strings.HasPrefix(got, "met by all") {
		t.Errorf("got %q", got)
	}
}

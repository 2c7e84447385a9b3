package report

import (
	"encoding/json"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/atelier-go/atelier/scripts/comparison/cost"
)

// rangesInWords lists every range between crossings in which the condition holds.
func TestRangesInWords(t *testing.T) {
	at := func(days ...float64) (all []cost.Crossing) {
		for _, d := range days {
			all = append(all, cost.Crossing{Pictures: d * cost.Hours / 24})
		}
		return all
	}
	for _, c := range []struct {
		holds     bool
		crossings []cost.Crossing
		want      string
	}{
		{true, nil, "at every volume"},
		{false, nil, "at no volume"},
		{true, at(1000), "below 1,000 a day"},
		{false, at(1000), "above 1,000 a day"},
		{true, at(100, 200, 3000), "below 100 a day and between 200 and 3,000 a day"},
		{false, at(100, 200, 3000), "between 100 and 200 a day and above 3,000 a day"},
	} {
		if got := rangesInWords(c.holds, c.crossings, ""); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// Between its points a value is a power of the volume, and outside of them it is constant.
func TestInterpolationByVolume(t *testing.T) {
	v := &byVolume{logs: []float64{2, 2.25, 2.5}, values: []float64{1, math.Pow(10, -0.25), 0}}
	for pictures, want := range map[float64]float64{1: 1, 100: 1, math.Pow(10, 2.1): math.Pow(10, -0.1), math.Pow(10, 2.375): math.Pow(10, -0.25) / 2, 1e6: 0} {
		if got := v.at(pictures); math.Abs(got-want) > 1e-9 {
			t.Errorf("at %v pictures: got %v, want %v", pictures, got, want)
		}
	}
}

// section returns a section of a document from its JSON.
func section(t *testing.T, values, id string) Section {
	t.Helper()
	var d Document
	if err := json.Unmarshal([]byte(values), &d); err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(d.Sections, func(s Section) bool { return s.ID == id })
	if i < 0 {
		t.Fatalf("there is no section %s", id)
	}
	return d.Sections[i]
}

// number returns the first number in a cell.
func number(t *testing.T, cell string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.ReplaceAll(strings.ReplaceAll(regexp.MustCompile(`[−\d][\d.,]*`).FindString(cell), ",", ""), "−", "-"), 64)
	if err != nil {
		t.Fatalf("%q: %v", cell, err)
	}
	return v
}

// checkBills checks that the recommendation, the sections on saving and the monthly bills agree.
func checkBills(t *testing.T, markdown, values string) {
	t.Helper()
	cases := section(t, values, "cases").Tables[1].Rows
	bill := func(workload, deployment string, column int) float64 {
		for _, r := range cases {
			if strings.Contains(r[0], workload) && r[1] == deployment && r[2] == "ONNX Runtime" {
				return number(t, r[column])
			}
		}
		t.Fatalf("no row of %s, %s", workload, deployment)
		return 0
	}
	near := func(what string, got, want float64) {
		if math.Abs(got/want-1) > 0.06 {
			t.Errorf("%s: %v $ beside %v $", what, got, want)
		}
	}
	images, nightly := section(t, values, "images").Tables[0].Rows, section(t, values, "nightly").Tables[0].Rows
	near("image jobs, functions", number(t, images[1][1]), bill("image jobs", "functions", 5))
	near("image jobs, one machine", number(t, images[2][2]), bill("image jobs", "one machine", 5))
	near("each night, functions", number(t, nightly[0][1]), bill("each night", "functions", 4))
	near("each night, from zero", number(t, nightly[0][2]), bill("each night", "instances from zero", 4))
	for _, r := range slices.Concat(images, nightly) {
		if want := 100 * (1 - number(t, r[1])/number(t, r[2])); math.Abs(number(t, r[3])-want) > 2+math.Abs(want)*0.02 {
			t.Errorf("the saving in %q should be %.1f%%", r, want)
		}
	}
	// 500 pictures a day, by the bill of the workload and by the table of volumes.
	volumes := section(t, values, "cases").Tables[0]
	if r := volumes.Rows[1]; r[0] != "500" || r[1] != "functions" {
		t.Errorf("got %q", r)
	}
	near("500 a day, functions", number(t, volumes.Rows[1][3]), bill("500 a day", "functions", 5))
	near("500 a day, compute", number(t, volumes.Rows[1][2]), bill("500 a day", "functions", 4))
	near("500 a day, one machine", number(t, volumes.Rows[1][5]), bill("500 a day", "one machine", 5))

	// Three instances at 0.10185 $ an hour plus 15%, without a job, and 657,000 empty receives.
	near("managed instances", bill("500 a day", "managed instances (hypothetical)", 4), 3*730*0.10185*1.15+657_000*0.40e-6)

	// 100,000 pictures of about 0.286 s at 885 MB, sent within 1,000 s: five environments need
	// 5,720 s, and 95% of the pictures are done within 0.95 x 5,720 - 950 s of their submission.
	for _, r := range cases {
		if strings.Contains(r[0], "each night") && r[1] == "functions" && r[2] == "ONNX Runtime" {
			p95 := number(t, r[7])
			if r[10] == "5" && math.Abs(p95-4484) > 100 || r[10] != "5" && p95 > 100 {
				t.Errorf("with at most %s environments the p95 is %v s", r[10], p95)
			}
		}
	}

	if !regexp.MustCompile(`use functions below [\d,]+ a day \([\d,]+ to [\d,]+\)`).MatchString(markdown) {
		t.Error("the recommendation has no range")
	}

	for _, r := range [][]string{images[1], images[2], nightly[1], nightly[2]} {
		_, alternative, _ := strings.Cut(r[0], "against ")
		if found := regexp.MustCompile(`([\d.]+)% of the whole bill of `+alternative).FindAllStringSubmatch(markdown, -1); !slices.ContainsFunc(found, func(m []string) bool {
			return math.Abs(number(t, m[1])-(100-number(t, r[3]))) < 1
		}) {
			t.Errorf("the first paragraphs don't have the bill of %q: %q", r, found)
		}
	}
	saving := section(t, values, "saving").Tables[0].Rows
	for _, r := range saving {
		if r[0] == "ONNX Runtime" && r[1] == views[2].name && !strings.Contains(markdown, r[5]+" a day") {
			t.Errorf("the first paragraphs don't have %s a day, of %q", r[5], r)
		}
	}
}

// checkOriginalSetting checks the section on the claim's original setting: a network that was not
// measured has a note and no row.
func checkOriginalSetting(t *testing.T, values string) {
	t.Helper()
	table := section(t, values, "original").Tables[0]
	if len(table.Rows) != 2 || !strings.HasPrefix(table.Rows[0][0], "this project's, measured (3,007 MB") {
		t.Fatalf("got %q", table.Rows)
	}
	if !slices.ContainsFunc(table.Notes, func(n string) bool { return strings.Contains(n, "Magenta's network was not measured") }) {
		t.Errorf("the notes are %q", table.Notes)
	}
	for _, r := range table.Rows {
		if slices.Contains(r, none) {
			t.Errorf("%q does not show whether functions always or never save as much", r)
		}
	}
}

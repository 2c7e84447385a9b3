package report

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// checkRows expects a row of each system, and of each engine and packaging, in the charts.
func checkRows(t *testing.T, page, values string) {
	t.Helper()
	latency := section(t, values, "latency")
	if len(latency.Charts) != 2 {
		t.Fatalf("%d charts of latency, want one for each load", len(latency.Charts))
	}
	random := latency.Charts[0]
	if want := "Python server, TensorFlow"; !slices.Contains(random.Rows, want) || !strings.Contains(page, ">"+want+"</text>") {
		t.Errorf("the chart lacks the row %q: %q", want, random.Rows)
	}
	if len(random.Series) != 3 {
		t.Fatalf("%d percentiles, want p50, p95 and p99 of 5 times 200 jobs", len(random.Series))
	}
	for i, s := range random.Series {
		if len(s.X) != len(random.Rows) {
			t.Errorf("%s has %d points for %d rows", s.Name, len(s.X), len(random.Rows))
		}
		if i > 0 && s.X[0] < random.Series[i-1].X[0] {
			t.Errorf("%s is lower than %s", s.Name, random.Series[i-1].Name)
		}
	}
	cold := section(t, values, "cold").Charts[0]
	for _, engine := range []string{"TensorFlow", "ONNX Runtime"} {
		for _, files := range []string{"local, in memory", "local, read from disk", "shared file system (2 ms", "shared file system, read ahead"} {
			if !slices.ContainsFunc(cold.Rows, func(row string) bool { return strings.HasPrefix(row, engine+": "+files) }) {
				t.Errorf("the chart lacks %s, %s: %q", engine, files, cold.Rows)
			}
		}
	}
}

// checkSensitivity expects spot and savings plans only in the sensitivity section, and plausible
// directions of change: with dearer functions the crossings are at lower duties.
func checkSensitivity(t *testing.T, markdown, values string) {
	t.Helper()
	s := section(t, values, "sensitivity")
	row := func(name string) []string {
		for _, r := range s.Tables[0].Rows {
			if strings.HasPrefix(r[0], name) {
				return r
			}
		}
		t.Fatalf("no row %q", name)
		return nil
	}
	duty := func(cell string) float64 {
		if cell == "always" {
			return 101
		}
		return number(t, cell)
	}
	base := duty(row("none")[1])
	for name, higher := range map[string]bool{
		"twice the price of functions' time": false, "twice the price of the instance": true, "functions take 1.5": false, "functions take 0.7": true, "3,007 MB": false,
		"instances at 28%": false, "instances at 60%": false, "functions at 85%": true,
	} {
		if got := duty(row(name)[1]); (got > base) != higher {
			t.Errorf("%s: d* is %v%%, and %v%% without", name, got, base)
		}
	}
	for _, name := range []string{"idle environments kept for 300", "idle environments kept for 1,800", "region us-east-1", "shared file system with bursting", "four jobs at once", "25% of the assumed waits", "50% of the assumed waits"} {
		row(name)
	}
	from := strings.Index(markdown, "## Sensitivity")
	to := from + strings.Index(markdown[from:], "\n## ")
	if rest := markdown[:from] + markdown[to:]; strings.Contains(rest, "savings plan") || strings.Contains(rest, "spot price") || strings.Contains(rest, "spot instances") {
		t.Error("spot or savings plans are outside of the sensitivity")
	}
}

// checkPublished expects a source, a setting, our figure and a reason for the difference with each
// published figure.
func checkPublished(t *testing.T, values string) {
	t.Helper()
	rows := section(t, values, "published").Tables[0].Rows
	if !slices.ContainsFunc(rows, func(r []string) bool { return strings.Contains(r[0], "arXiv:2103.02958") }) {
		t.Error("arXiv:2103.02958 is missing")
	}
	for _, r := range rows {
		for _, cell := range r {
			if cell == "" || cell == none {
				t.Errorf("a cell of %q is empty", r)
			}
		}
	}
}

// Charts with rows can be drawn for one value and for zeros.
func TestChartRowsOfOneValue(t *testing.T) {
	for name, c := range map[string]*Chart{
		"points": {Title: "one", Rows: []string{"a"}, Series: []Series{{Name: "p50", X: []float64{0.2}, Y: []float64{0}}}, logX: true},
		"bars":   {Title: "zeros", Rows: []string{"a", "b"}, Series: []Series{{Name: "start", X: []float64{0, 0}, Y: []float64{0, 1}}}, stacked: true},
	} {
		if err := c.draw(); err != nil {
			t.Fatal(name, err)
		}
		if svg := string(c.SVG); strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") || !strings.Contains(svg, ">a</text>") {
			t.Errorf("%s: %s", name, svg)
		}
	}
}

// checkLinks checks that each link of a page leads to an anchor or to a file in the folder.
// report.json is written later.
func checkLinks(t *testing.T, page, dir string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	ids, links := map[string]bool{}, []string{}
	for n := range doc.Descendants() {
		for _, a := range n.Attr {
			switch a.Key {
			case "id":
				ids["#"+a.Val] = true
			case "href":
				links = append(links, a.Val)
			}
		}
	}
	for _, link := range links {
		_, err := os.Stat(filepath.Join(dir, link))
		if beside := err == nil || link == "report.json"; !ids[link] && !beside {
			t.Errorf("the link %q has no target", link)
		}
	}
	if !slices.Contains(links, "plan.json") || !slices.Contains(links, "#saving-a-1") {
		t.Errorf("the principles have no links to file and row, but %q", links)
	}
}

package report

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/atelier-go/atelier/scripts/comparison/measurement"
)

// formats returns a document in its three formats.
func formats(t *testing.T, dir string, e effort) (page, markdown, values string) {
	t.Helper()
	d, err := build(dir, e)
	if err != nil {
		t.Fatal(err)
	}
	var h, m, j bytes.Buffer
	for _, err := range []error{d.HTML(&h), d.Markdown(&m), d.JSON(&j)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if keep := os.Getenv("ATELIER_REPORT_DIR"); keep != "" { // to view the report
		for name, b := range map[string][]byte{"report.html": h.Bytes(), "report.md": m.Bytes(), "report.json": j.Bytes()} {
			if err := os.WriteFile(filepath.Join(keep, strings.ReplaceAll(t.Name(), "/", "-")+"."+name), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return h.String(), m.String(), j.String()
}

func TestReport(t *testing.T) {
	dir := synthetic(t, small(10))
	page, markdown, values := formats(t, dir, quickly)

	t.Run("the same folder gives the same bytes", func(t *testing.T) {
		again, markdownAgain, valuesAgain := formats(t, dir, quickly)
		if again != page || markdownAgain != markdown || valuesAgain != values {
			t.Error("two reports of one folder differ")
		}
	})

	t.Run("the page fetches nothing", func(t *testing.T) {
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		ids := map[string]bool{}
		for n := range doc.Descendants() {
			if n.Type != html.ElementNode {
				continue
			}
			if slices.Contains([]string{"script", "link", "img", "iframe", "object", "embed", "image", "base", "video"}, n.Data) {
				t.Errorf("the page has the element %s", n.Data)
			}
			for _, a := range n.Attr {
				if (a.Key == "src" || a.Key == "srcset") || a.Key == "href" && !strings.HasPrefix(a.Val, "#") && n.Data != "a" {
					t.Errorf("%s has %s=%q", n.Data, a.Key, a.Val)
				}
				if a.Key == "id" {
					if ids[a.Val] {
						t.Errorf("the id %q is there twice", a.Val)
					}
					ids[a.Val] = true
				}
			}
		}
		if regexp.MustCompile(`url\(\s*['"]?(https?:|//)|@import`).MatchString(page) {
			t.Error("a style fetches something")
		}
		if n := strings.Count(page, "<svg"); n < 3 {
			t.Errorf("the page has %d charts", n)
		}
		for _, bad := range []string{"NaN", "Inf", "%!", "ZgotmplZ"} {
			if strings.Contains(page+markdown+values, bad) {
				t.Errorf("the report has %q in it", bad)
			}
		}
	})

	t.Run("links lead to rows of the page and files of the folder", func(t *testing.T) { checkLinks(t, page, dir) })
	t.Run("bills agree", func(t *testing.T) { checkBills(t, markdown, values) })
	t.Run("the claim's own setting", func(t *testing.T) { checkOriginalSetting(t, values) })
	t.Run("rows of charts", func(t *testing.T) { checkRows(t, page, values) })
	t.Run("sensitivity", func(t *testing.T) { checkSensitivity(t, markdown, values) })
	t.Run("published figures", func(t *testing.T) { checkPublished(t, values) })

	t.Run("marks are explained before the recommendation", func(t *testing.T) {
		inMarkdown, _, _ := strings.Cut(markdown, "\n## What to choose\n")
		inPage, _, _ := strings.Cut(page, "<h2>What to choose</h2>")
		for _, m := range marks() {
			if !strings.Contains(inMarkdown, "- **"+m.Name+"**: ") || !strings.Contains(inPage, ">"+m.Name+"</span> ") {
				t.Errorf("%s is not explained", m.Name)
			}
		}
	})

	t.Run("HTML, Markdown and JSON have the same tables", func(t *testing.T) {
		var d Document
		if err := json.Unmarshal([]byte(values), &d); err != nil {
			t.Fatal(err)
		}
		tables := []Table{*d.Verdict}
		for _, s := range d.Sections {
			tables = append(tables, s.Tables...)
		}
		var want [][]string
		for _, table := range tables {
			want = append(want, table.Columns)
			want = append(want, table.Rows...)
		}
		if len(want) < 50 {
			t.Fatalf("the JSON has %d rows", len(want))
		}
		compareRows(t, "HTML", rowsOfHTML(t, page), want)
		compareRows(t, "Markdown", rowsOfMarkdown(markdown), want)
	})

	t.Run("no section lacks data but that of predictions", func(t *testing.T) {
		if got := strings.Count(page, `class="missing"`); got != 1 || !strings.Contains(page, "There are no predictions") {
			t.Errorf("%d sections lack data", got)
		}
		if strings.Contains(page, NotForDecisions) {
			t.Error("a whole measurement is labelled as quick")
		}
	})
}

// Every run counts: without it the report differs and lists the run as missing.
func TestMissingRunChangesTheReport(t *testing.T) {
	plan := small(2)
	plan.Variants = slices.DeleteFunc(plan.Variants, func(v measurement.Variant) bool { return v.Engine != measurement.ONNX || v.Size != 512 })
	dir := synthetic(t, plan)
	whole, _, values := formats(t, dir, least)
	if s := section(t, values, "original"); !strings.Contains(s.Missing, "scripts/setup --bench") || len(s.Tables) > 0 {
		t.Errorf("without the Python server: %+v", s)
	}
	runs, err := filepath.Glob(filepath.Join(dir, "runs", "service-onnx-512px-3007mb-20ms-2threads.002.*"))
	if err != nil || len(runs) == 0 {
		t.Fatal(runs, err)
	}
	if err := os.Remove(runs[0]); err != nil {
		t.Fatal(err)
	}
	less, _, _ := formats(t, dir, least)
	if less == whole || strings.Contains(whole, "Planned runs that are missing") || !strings.Contains(less, "Planned runs that are missing") {
		t.Error("the report is the same, or does not list the missing run, without " + runs[0])
	}
	saving := regexp.MustCompile(`(?s)<section id="saving">.*?</section>`)
	if saving.FindString(less) == saving.FindString(whole) {
		t.Error("the saving is the same without one of the runs that it is made from")
	}
}

// A quick measurement's report begins with a warning and has no intervals.
func TestQuickReportHasWarning(t *testing.T) {
	plan := small(1)
	plan.Quick = true
	page, markdown, values := formats(t, synthetic(t, plan), quickly)
	if !strings.Contains(page, NotForDecisions) || !strings.Contains(markdown, NotForDecisions) || !strings.Contains(values, `"not_for_decisions": true`) {
		t.Error("the report of a quick measurement has no warning")
	}
	if !strings.Contains(page, `@bottom-center { content: "Not for decisions`) || strings.Contains(page, "ZgotmplZ") {
		t.Error("printed pages have no warning")
	}
	if found := regexp.MustCompile(`<td[^>]*>[\d.,%]+ \([\d.]+ to [\d.]+\)`).FindString(page); found != "" {
		t.Errorf("it has the interval %q", found)
	}
}

// Sections without data name the command to run. If no report can be made, the error says how to
// repair the folder.
func TestMissingDataIsReported(t *testing.T) {
	alone := measurement.Plan{Repetitions: 2, Seed: 1, Variants: []measurement.Variant{{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 20, Pattern: measurement.Poisson, Rate: 1}}}
	dir := synthetic(t, alone)
	page, _, _ := formats(t, dir, quickly)
	if n := strings.Count(page, `class="missing"`); n != 10 || !strings.Contains(page, "run scripts/compare --only") {
		t.Errorf("%d sections say what is missing, want 10", n)
	}

	void := invent(rand.New(rand.NewPCG(1, 1)), alone.Variants[0], 3, 1, 1)
	void.Footer.Void = "the load generator was late by <7 ms>"
	add(t, dir, void)
	page, markdown, _ := formats(t, dir, quickly)
	if !strings.Contains(page, "the load generator was late by &lt;7 ms&gt;") || !strings.Contains(markdown, "the load generator was late by") {
		t.Error("a void run is not listed with its reason")
	}

	empty := t.TempDir()
	if _, err := Make(empty); err == nil || !strings.Contains(err.Error(), "not an output folder") {
		t.Errorf("an empty folder: got the error %v", err)
	}
	if _, err := Make(synthetic(t, measurement.Plan{Repetitions: 0})); err == nil || !strings.Contains(err.Error(), "scripts/compare --out") {
		t.Errorf("a folder without runs: got the error %v", err)
	}
}

// Runs on different processors are never combined in one row.
func TestProcessorsAreSeparate(t *testing.T) {
	plan := measurement.Plan{Repetitions: 3, Seed: 1, Variants: []measurement.Variant{{System: measurement.Daemon, Engine: measurement.ONNX, Size: 512, Jobs: 200, Pattern: measurement.Poisson, Rate: 1}}}
	dir := synthetic(t, plan)
	other := invent(rand.New(rand.NewPCG(2, 1)), plan.Variants[0], 4, 1, 1)
	other.Header.Machine.Processor = "Another processor"
	add(t, dir, other)
	d, err := build(dir, quickly)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(d.Sections, func(s Section) bool { return s.ID == "latency" })
	tables := d.Sections[i].Tables
	if len(tables) != 4 || tables[0].Rows[0][4] != "3" || tables[2].Rows[0][4] != "1" || !strings.HasSuffix(tables[2].Title, "Another processor") {
		t.Errorf("got %+v", tables)
	}
}

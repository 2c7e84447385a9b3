package report

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// forms are a document's three.
func forms(t *testing.T, dir string) (page, markdown, values string) {
	t.Helper()
	d, err := build(dir, quickly)
	if err != nil {
		t.Fatal(err)
	}
	var h, m, j bytes.Buffer
	for _, err := range []error{d.HTML(&h), d.Markdown(&m), d.JSON(&j)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if keep := os.Getenv("ATELIER_REPORT_DIR"); keep != "" { // to look at it
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
	page, markdown, values := forms(t, dir)

	t.Run("the same folder gives the same bytes", func(t *testing.T) {
		again, markdownAgain, valuesAgain := forms(t, dir)
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
				if (a.Key == "href" || a.Key == "src" || a.Key == "srcset") && !strings.HasPrefix(a.Val, "#") {
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
			t.Errorf("the page has %d drawings", n)
		}
		for _, bad := range []string{"NaN", "Inf", "%!", "ZgotmplZ"} {
			if strings.Contains(page+markdown+values, bad) {
				t.Errorf("the report has %q in it", bad)
			}
		}
	})

	t.Run("HTML, Markdown and JSON have the same tables", func(t *testing.T) {
		var d Document
		if err := json.Unmarshal([]byte(values), &d); err != nil {
			t.Fatal(err)
		}
		var want [][]string
		for _, s := range d.Sections {
			for _, table := range s.Tables {
				want = append(want, table.Columns)
				want = append(want, table.Rows...)
			}
		}
		if len(want) < 50 {
			t.Fatalf("the JSON has %d rows", len(want))
		}
		compareRows(t, "HTML", rowsOfHTML(t, page), want)
		compareRows(t, "Markdown", rowsOfMarkdown(markdown), want)
	})

	t.Run("a run that is taken away changes the report", func(t *testing.T) {
		runs, err := filepath.Glob(filepath.Join(dir, "runs", "*.jsonl"))
		if err != nil || len(runs) == 0 {
			t.Fatal(runs, err)
		}
		for _, i := range []int{0, len(runs) - 1} {
			b, err := os.ReadFile(runs[i])
			if err != nil {
				t.Fatal(err)
			}
			if err := os.Remove(runs[i]); err != nil {
				t.Fatal(err)
			}
			if less, _, _ := forms(t, dir); less == page || !strings.Contains(less, "Planned runs that are missing") {
				t.Errorf("the report is the same, or silent, without %s", runs[i])
			}
			if err := os.WriteFile(runs[i], b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
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

func compareRows(t *testing.T, form string, got, want [][]string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s has %d rows, JSON %d", form, len(got), len(want))
	}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("%s: got row %q, JSON has %q", form, got[i], want[i])
		}
	}
}

func rowsOfHTML(t *testing.T, page string) (rows [][]string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range doc.Descendants() {
		if n.Data != "tr" {
			continue
		}
		var row []string
		for c := range n.ChildNodes() {
			text := ""
			for leaf := range c.Descendants() {
				text += leaf.Data
			}
			row = append(row, text)
		}
		rows = append(rows, row)
	}
	return rows
}

func rowsOfMarkdown(markdown string) (rows [][]string) {
	for line := range strings.Lines(markdown) {
		line = strings.TrimSuffix(line, "\n")
		if !strings.HasPrefix(line, "| ") || strings.HasPrefix(line, "| ---") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(strings.TrimPrefix(line, "| "), " |"), " | ")
		rows = append(rows, cells)
	}
	return rows
}
